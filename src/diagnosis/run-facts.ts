import type { PortHolder } from '../process-table/port-holders';
import type { HolderFacts } from './diagnosis';

/** A user of the system that a program runs as. */
export interface RunUser {
  name: string;
  uid: number;
  gid: number;
  /** Supplementary groups. */
  groups: readonly number[];
  home: string;
}

/** How one instance is run. */
export interface RunFacts {
  /** As the shell gets it: with the port filled in. */
  command: string;
  user: RunUser;
  /** null: the user's home. */
  directory: string | null;
  /** Of the program; a PATH in it wins over `path`. */
  environment: Readonly<Record<string, string>>;
  /** The PATH that programs get. */
  path: string;
  /** 0: none. */
  port: number;
  /** The instance's mark, so that its own processes are not taken for strangers; null if there is none yet. */
  mark: string | null;
  /** The name of the program that a mark belongs to; null if it is none of ours. */
  programOf?: (mark: string) => string | null;
}

export function directoryOf(run: RunFacts): string {
  return run.directory ?? run.user.home;
}

export function searchPathOf(run: RunFacts): string {
  return run.environment['PATH'] ?? run.path;
}

export function holderFacts({ port, pid, uid, command, mark }: PortHolder, run: RunFacts): HolderFacts {
  const program = mark === null ? null : (run.programOf?.(mark) ?? null);
  return { port, pid, uid, command, program };
}
