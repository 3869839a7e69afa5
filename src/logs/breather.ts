import { setImmediate as nextTurn } from 'node:timers/promises';

const SLICE_MS = 5;

/** Lets long work give way to others every few milliseconds. */
export class Breather {
  private since = performance.now();

  get isDue(): boolean {
    return performance.now() - this.since >= SLICE_MS;
  }

  async breathe(): Promise<void> {
    await nextTurn();
    this.since = performance.now();
  }
}
