import { Semaphore } from 'async-mutex';

/** A look at the system is shared by all who prepare at the same time. */
const PREPARED_AT_ONCE = 32;
/** supervisord makes starts one by one, and others want their turn. */
const SPAWNED_AT_ONCE = 4;

/**
 * Starts that are asked for together take turns, so that others need not wait for all of them. A start
 * leaves the lane as soon as supervisord has begun it: nobody waits for somebody else's start_seconds.
 */
export class StartLane {
  private readonly preparing = new Semaphore(PREPARED_AT_ONCE);
  private readonly spawning = new Semaphore(SPAWNED_AT_ONCE);

  /** @param run gets the milliseconds that it had to wait */
  prepare<T>(run: (waitedMs: number) => Promise<T>): Promise<T> {
    return inTurn(this.preparing, run);
  }

  /** @param run gets the milliseconds that it had to wait */
  spawn<T>(run: (waitedMs: number) => Promise<T>): Promise<T> {
    return inTurn(this.spawning, run);
  }
}

async function inTurn<T>(turns: Semaphore, run: (waitedMs: number) => Promise<T>): Promise<T> {
  const asked = Date.now();
  return await turns.runExclusive(() => run(Date.now() - asked));
}
