import type { PublicState } from '../domain/states';

/** What one instance is at this moment. Field names are those of the event stream. */
export interface StateSnapshotItem {
  program: string;
  port: number | null;
  state: PublicState;
  pid: number | null;
  exit_status: number | null;
  spawn_error: string | null;
}

/** The states of all instances, ephemeral ones too, as of the last published change. */
export abstract class CurrentStates {
  /** Answers out of memory, at once: a follower of the changes must not miss one meanwhile. */
  abstract currentStates(): Iterable<StateSnapshotItem>;
}
