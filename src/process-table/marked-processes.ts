import { listPids } from './proc-files';
import { hasEnded, readProcess } from './process-entry';
import { markOf } from './process-mark';
import { SharedPass } from './shared-pass';
import { inSlices } from './slices';

export interface MarkedProcess {
  pid: number;
  pgid: number;
  startTicks: number;
  mark: string;
}

export type MarkPredicate = (mark: string) => boolean;
/** A whole mark, a pattern, or a predicate. */
export type MarkQuery = string | RegExp | MarkPredicate;

/** By mark: a thousand instances that stop together look up one each. */
type Found = Map<string, MarkedProcess[]>;

const passes = new SharedPass(scanMarked);

export function exactMark(mark: string): MarkQuery {
  return mark;
}

export function markPrefix(prefix: string): MarkPredicate {
  return (candidate) => candidate.startsWith(prefix);
}

/**
 * The living processes whose mark matches. The look at the system begins after the call and is shared by
 * all who call meanwhile. Never pid 1, never this process.
 */
export async function findMarked(query: MarkQuery): Promise<MarkedProcess[]> {
  const found = await passes.fresh();
  if (typeof query === 'string') return [...(found.get(query) ?? [])];
  const matches = typeof query === 'function' ? query : patternPredicate(query);
  return [...found].flatMap(([mark, processes]) => (matches(mark) ? processes : []));
}

/** Still there and still the same process, not another one with its pid. */
export function isAlive({ pid, startTicks }: Pick<MarkedProcess, 'pid' | 'startTicks'>): boolean {
  const entry = readProcess(pid);
  return !hasEnded(entry) && entry?.startTicks === startTicks;
}

/**
 * Signals the process if it is still the same one. False if it is gone, or may not be signalled (it has
 * changed its user, and this service is not root).
 */
export function signalIfSame(
  target: Pick<MarkedProcess, 'pid' | 'startTicks'>,
  signal: NodeJS.Signals,
): boolean {
  if (target.pid <= 1 || target.pid === process.pid || !isAlive(target)) return false;
  try {
    return process.kill(target.pid, signal);
  } catch {
    return false;
  }
}

async function scanMarked(): Promise<Found> {
  const found: Found = new Map();
  await inSlices(listPids(), (pid) => {
    if (pid === 1 || pid === process.pid) return;
    // The start time before the mark: should the pid change hands in between, the two don't fit and
    // nothing is signalled. The other way round a stranger would be taken for ours.
    const entry = readProcess(pid);
    if (entry === null || hasEnded(entry)) return;
    const mark = markOf(pid);
    if (mark === null) return;
    const marked = { pid, pgid: entry.pgid, startTicks: entry.startTicks, mark };
    const others = found.get(mark);
    if (others) others.push(marked);
    else found.set(mark, [marked]);
  });
  return found;
}

/** search() does not move the lastIndex of a global pattern, test() would. */
function patternPredicate(pattern: RegExp): MarkPredicate {
  return (candidate) => candidate.search(pattern) >= 0;
}
