import { setTimeout as sleep } from 'node:timers/promises';
import { findMarked, isAlive, signalIfSame, type MarkedProcess, type MarkQuery } from './marked-processes';

export interface EndOptions {
  signal: NodeJS.Signals;
  /** Time to end by themselves; then SIGKILL. */
  graceMs: number;
}

export interface EndedProcesses {
  /** Pids of those that have ended. */
  ended: number[];
  /** Pids of those that live on: not even SIGKILL has ended them within 5 s, or they may not be signalled. */
  alive: number[];
}

const KILL_WAIT_MS = 5000;
const FIRST_POLL_MS = 5;
const LONGEST_POLL_MS = 100;

/**
 * Ends all processes whose mark matches, and what they start meanwhile. Resolves when none is left, at
 * the latest 5 s after `graceMs`. Calling it twice, or many times at once, is safe.
 */
export async function endMarked(query: MarkQuery, { signal, graceMs }: EndOptions): Promise<EndedProcesses> {
  const killAt = performance.now() + graceMs;
  const giveUpAt = killAt + KILL_WAIT_MS;
  const signalled = new Set<string>();
  const ended = new Set<number>();

  for (;;) {
    const found = await findMarked(query);
    const isKilling = performance.now() >= killAt;
    for (const target of found) {
      if (isKilling) signalIfSame(target, 'SIGKILL');
      else if (!signalled.has(keyOf(target))) signalIfSame(target, signal);
      signalled.add(keyOf(target));
    }
    const alive = await waitUntilGone(found, isKilling ? giveUpAt : killAt);
    for (const { pid } of found) if (!alive.some((survivor) => survivor.pid === pid)) ended.add(pid);
    // Those that ended may have left children, which only another look finds.
    if (found.length === 0 || performance.now() >= giveUpAt) {
      return { ended: [...ended], alive: alive.map(({ pid }) => pid) };
    }
  }
}

function keyOf({ pid, startTicks }: MarkedProcess): string {
  return `${pid}:${startTicks}`;
}

/** Resolves with those that are still alive at the deadline. */
async function waitUntilGone(targets: readonly MarkedProcess[], deadline: number): Promise<MarkedProcess[]> {
  let pollMs = FIRST_POLL_MS;
  for (;;) {
    const alive = targets.filter(isAlive);
    const left = deadline - performance.now();
    if (alive.length === 0 || left <= 0) return alive;
    await sleep(Math.min(pollMs, left));
    pollMs = Math.min(pollMs * 1.5, LONGEST_POLL_MS);
  }
}
