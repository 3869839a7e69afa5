import { setImmediate as nextTurn } from 'node:timers/promises';

/** Longest time that one slice may hold up the event loop. */
const SLICE_MS = 2;

/** Calls `visit` for each item, and lets the event loop turn between slices. */
export async function inSlices<T>(items: Iterable<T>, visit: (item: T) => void): Promise<void> {
  let sliceEnd = performance.now() + SLICE_MS;
  for (const item of items) {
    visit(item);
    if (performance.now() < sliceEnd) continue;
    await nextTurn();
    sliceEnd = performance.now() + SLICE_MS;
  }
}
