import { readProcFile } from './proc-files';

/**
 * Every program is started with this variable, and what it starts inherits it: so its processes are
 * found again even if they left their process group and lost their parent.
 */
export const MARK_VARIABLE = 'HOODY_DAEMON_MARK';

const NEEDLE = Buffer.from(`${MARK_VARIABLE}=`);

/** `<state id>:<epoch>:<group name>` */
export interface ProcessMark {
  /** The state directory that the program belongs to: several services may run on one machine. */
  stateId: string;
  /** The start of supervisord that it was started under. */
  epoch: string;
  /** The program's group in supervisord. */
  group: string;
}

export function formatMark({ stateId, epoch, group }: ProcessMark): string {
  return `${stateId}:${epoch}:${group}`;
}

export function parseMark(mark: string): ProcessMark | null {
  const match = /^([^:]+):([^:]+):([^:]+)$/.exec(mark);
  return match ? { stateId: match[1]!, epoch: match[2]!, group: match[3]! } : null;
}

/** Of the same instance, whichever supervisord started it. */
export function isSameInstance(a: string | null, b: string | null): boolean {
  const [first, second] = [a && parseMark(a), b && parseMark(b)];
  return !!first && !!second && first.stateId === second.stateId && first.group === second.group;
}

/**
 * The mark that the process was executed with, or null: none, gone, or another user's. A variable that
 * a shell exports shows only in what it executes from then on.
 */
export function markOf(pid: number): string | null {
  const environment = readProcFile(`/proc/${pid}/environ`);
  return environment && markIn(environment);
}

export function markIn(environment: Buffer): string | null {
  let at = environment.indexOf(NEEDLE);
  // The name counts only at the start of an entry: another variable's value may hold it.
  while (at > 0 && environment[at - 1] !== 0) at = environment.indexOf(NEEDLE, at + 1);
  if (at < 0) return null;
  const start = at + NEEDLE.length;
  const end = environment.indexOf(0, start);
  return environment.toString('utf8', start, end < 0 ? environment.length : end);
}
