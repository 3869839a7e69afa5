import { setTimeout as sleep } from 'node:timers/promises';

/** After a pass, the next one waits this many times as long as the pass took. */
const REST_FACTOR = 2;
const LONGEST_REST_MS = 50;

/**
 * Lets many callers share one expensive look at the system. Each gets a look that began after it asked,
 * so nobody is told of things as they were before. Under a stream of callers the looks are spaced out:
 * they take a third of the time at most, and the rest of the service stays quick.
 */
export class SharedPass<T> {
  private next: Promise<T> | null = null;
  private current: Promise<unknown> = Promise.resolve();
  private restUntil = 0;

  constructor(private readonly look: () => Promise<T>) {}

  /** The result of the next pass to begin. */
  fresh(): Promise<T> {
    return (this.next ??= this.run());
  }

  private async run(): Promise<T> {
    await this.current;
    const rest = this.restUntil - performance.now();
    if (rest > 0) await sleep(rest);

    this.next = null;
    const began = performance.now();
    const pass = this.look().finally(() => {
      const now = performance.now();
      this.restUntil = now + Math.min((now - began) * REST_FACTOR, LONGEST_REST_MS);
    });
    this.current = pass.catch(() => undefined);
    return pass;
  }
}
