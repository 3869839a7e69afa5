import type { StateChange } from '../domain/changes';
import { isCrash, isExit, isRestart } from '../history/run-ends';

export interface RunCounts {
  exits: number;
  crashes: number;
  restarts: number;
}

interface Counted extends RunCounts {
  last: StateChange;
}

const NONE: RunCounts = { exits: 0, crashes: 0, restarts: 0 };

/** Ends and restarts of instances since the service started, counted as the changes come. */
export class RunCounter {
  private readonly counts = new Map<string, Counted>();

  get size(): number {
    return this.counts.size;
  }

  add(change: StateChange): void {
    const key = keyOf(change);
    const { last = null, exits, crashes, restarts } = this.counts.get(key) ?? { ...NONE, last: null };
    this.counts.set(key, {
      exits: exits + Number(isExit(change)),
      crashes: crashes + Number(isCrash(change)),
      restarts: restarts + Number(isRestart(last, change)),
      last: change,
    });
  }

  of(instance: { program: string; port: number | null }): RunCounts {
    return this.counts.get(keyOf(instance)) ?? NONE;
  }

  /** Forgets instances that are no more. */
  keepOnly(instances: Iterable<{ program: string; port: number | null }>): void {
    const known = new Set(Array.from(instances, keyOf));
    for (const key of this.counts.keys()) if (!known.has(key)) this.counts.delete(key);
  }
}

function keyOf({ program, port }: { program: string; port: number | null }): string {
  return `${program}:${port ?? 0}`;
}
