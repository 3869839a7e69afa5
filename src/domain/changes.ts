import type { PublicState } from './states';

/** One instance went from one public state to another. Field names are those of the event stream. */
export interface StateChange {
  type: 'state';
  /** Program id, or temporary id of an ephemeral program. */
  program: string;
  port: number | null;
  from: PublicState;
  to: PublicState;
  pid: number | null;
  /** Of the run that ended; null while it runs. */
  exit_status: number | null;
  /** Why the start failed or the program crashed, in words; else null. */
  spawn_error: string | null;
  /** ISO 8601 UTC. */
  time: string;
  /** Happened while the service was away and was found out afterwards. */
  inferred?: true;
}

export type ConfigAction = 'added' | 'edited' | 'removed' | 'enabled' | 'disabled' | 'reset' | 'restored';

/** The configuration of one program (or, for `reset` and `restored`, of all: then `program` is null) changed. */
export interface ConfigChange {
  type: 'config';
  program: string | null;
  action: ConfigAction;
  /** ISO 8601 UTC. */
  time: string;
}

export type Change = StateChange | ConfigChange;
