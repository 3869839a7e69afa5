import type { LogSnapshot } from './log-snapshot';

export const LINE_BREAK = 0x0a;
const FIRST_CHUNK = 16 * 1024;
const LARGEST_CHUNK = 256 * 1024;

/**
 * Where the last `lines` lines before `end` begin, reading backwards. A last line without a line break
 * counts. It looks no further back than `floor`; `isComplete` is false when it met the floor first.
 */
export async function startOfLastLines(
  log: LogSnapshot,
  end: number,
  lines: number,
  floor = 0,
): Promise<{ start: number; isComplete: boolean }> {
  if (lines === 0) return { start: end, isComplete: true };
  let left = lines;
  // The line break at the very end belongs to the last line, and starts none.
  let upTo = end - 1;
  for (let chunk = FIRST_CHUNK; upTo > floor; chunk = Math.min(2 * chunk, LARGEST_CHUNK)) {
    const from = Math.max(floor, upTo - chunk);
    const bytes = await log.read(from, upTo);
    for (let at = bytes.lastIndexOf(LINE_BREAK); at >= 0; at = lastBreakBefore(bytes, at)) {
      if (--left === 0) return { start: from + at + 1, isComplete: true };
    }
    upTo = from;
  }
  return { start: Math.min(floor, end), isComplete: floor === 0 };
}

/** `lastIndexOf(…, -1)` would begin at the end again. */
function lastBreakBefore(bytes: Buffer, at: number): number {
  return at === 0 ? -1 : bytes.lastIndexOf(LINE_BREAK, at - 1);
}
