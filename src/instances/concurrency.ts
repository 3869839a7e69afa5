import { Mutex } from 'async-mutex';

/** One mutex for each key, for as long as somebody uses it. */
export class KeyedMutex {
  private readonly mutexes = new Map<string, Mutex>();

  async runExclusive<T>(key: string, run: () => Promise<T>): Promise<T> {
    let mutex = this.mutexes.get(key);
    if (!mutex) this.mutexes.set(key, (mutex = new Mutex()));
    try {
      return await mutex.runExclusive(run);
    } finally {
      if (!mutex.isLocked()) this.mutexes.delete(key);
    }
  }
}

/** Runs `run` for every item, at most `limit` at a time; rejects with the first rejection after all have ended. */
export async function forEachLimited<T>(
  items: readonly T[],
  limit: number,
  run: (item: T) => Promise<void>,
): Promise<void> {
  const queue = items.values();
  const worker = async () => {
    for (const item of queue) await run(item);
  };
  const results = await Promise.allSettled(Array.from({ length: Math.min(limit, items.length) }, worker));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}
