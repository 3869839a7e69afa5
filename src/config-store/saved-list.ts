import { Mutex } from 'async-mutex';
import { deepFreeze } from '../settings/deep-freeze';

type Change<T> = (list: readonly T[]) => readonly T[];

interface Request<T> {
  change: Change<T>;
  resolve: () => void;
  reject: (error: unknown) => void;
}

/**
 * A list in memory with a copy on disk that is never behind it. What is asked for while a save is under way
 * shares the next one, so that many small changes cost few writes.
 */
export class SavedList<T extends object> {
  private readonly mutex = new Mutex();
  private batch: Request<T>[] | null = null;
  private list: readonly T[] = [];

  constructor(
    initial: readonly T[],
    /** Rejects with the error that callers shall see, and with the disk as before. */
    private readonly save: (list: readonly T[]) => Promise<void>,
  ) {
    this.list = frozen(initial);
  }

  get current(): readonly T[] {
    return this.list;
  }

  update(change: Change<T>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.openBatch().push({ change, resolve, reject });
    });
  }

  /**
   * Puts another list in place, after what was asked for before and before what is asked for later.
   * `undo` takes back what `prepare` did when the list can't be saved.
   */
  replace<P>(
    list: readonly T[],
    prepare: () => Promise<P>,
    undo: (prepared: P) => Promise<void>,
  ): Promise<P> {
    this.batch = null;
    return this.mutex.runExclusive(async () => {
      const prepared = await prepare();
      try {
        await this.save(list);
      } catch (error) {
        await undo(prepared).catch(() => undefined);
        throw error;
      }
      this.list = frozen(list);
      return prepared;
    });
  }

  /** Resolves when all that was asked for so far is settled. */
  async settled(): Promise<void> {
    await this.mutex.runExclusive(() => undefined);
  }

  private openBatch(): Request<T>[] {
    if (this.batch) return this.batch;
    const batch: Request<T>[] = [];
    this.batch = batch;
    void this.mutex.runExclusive(() => this.commit(batch));
    return batch;
  }

  private async commit(batch: Request<T>[]): Promise<void> {
    if (this.batch === batch) this.batch = null;
    const { next, outcomes } = this.apply(batch);
    try {
      if (next !== this.list) await this.save(next);
      this.list = next;
      outcomes.forEach((outcome) => outcome.settle());
    } catch (error) {
      outcomes.forEach((outcome) => (outcome.sawUnsaved ? outcome.request.reject(error) : outcome.settle()));
    }
  }

  private apply(batch: Request<T>[]): { next: readonly T[]; outcomes: Outcome<T>[] } {
    let next = this.list;
    const outcomes = batch.map((request): Outcome<T> => {
      const before = next;
      try {
        next = frozen(request.change(before));
        return { request, settle: request.resolve, sawUnsaved: next !== this.list };
      } catch (error) {
        // "The name is taken" is no true answer when the change that took it could not be saved.
        return { request, settle: () => request.reject(error), sawUnsaved: before !== this.list };
      }
    });
    return { next, outcomes };
  }
}

interface Outcome<T> {
  request: Request<T>;
  settle: () => void;
  /** It rests on changes of this batch, its own or earlier ones. */
  sawUnsaved: boolean;
}

/** What is on disk must not be changed in memory alone. */
function frozen<T extends object>(list: readonly T[]): readonly T[] {
  list.forEach(deepFreeze);
  return Object.freeze(list);
}
