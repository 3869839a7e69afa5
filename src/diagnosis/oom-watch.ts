import { readFileSync } from 'node:fs';
import { readProcText } from '../process-table/proc-files';

const LOOK_EVERY_MS = 1000;
/** The end of a program is known within milliseconds; the rest is for a machine that swaps. */
const LATELY_MS = 3000;

/** Notices when the kernel kills processes for lack of memory, by its counters: it tells nobody. */
export class OomWatch {
  private count: number;
  private movedMs = -Infinity;
  private timer: NodeJS.Timeout | null = null;

  constructor(private readonly counterFiles = findCounterFiles()) {
    this.count = this.read();
  }

  start(): void {
    this.timer ??= setInterval(() => this.look(), LOOK_EVERY_MS).unref();
  }

  stop(): void {
    if (this.timer) clearInterval(this.timer);
    this.timer = null;
  }

  /** Within the last seconds. Whom it hit the kernel does not say. */
  hasKilledLately(): boolean {
    this.look();
    return performance.now() - this.movedMs < LATELY_MS;
  }

  private look(): void {
    const count = this.read();
    if (count > this.count) this.movedMs = performance.now();
    this.count = count;
  }

  private read(): number {
    return this.counterFiles.reduce((sum, file) => sum + killsIn(readText(file)), 0);
  }
}

/** All three formats have a line "oom_kill N". */
function killsIn(text: string): number {
  return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0);
}

/** Of the whole machine, and of this service's control group (version 2 or 1): containers may hide the first. */
function findCounterFiles(): string[] {
  const groups = readProcText('/proc/self/cgroup') ?? '';
  const v2 = /^0::(.*)$/m.exec(groups)?.[1];
  const v1 = /^\d+:(?:[^:\n]*,)?memory(?:,[^:\n]*)?:(.*)$/m.exec(groups)?.[1];
  return [
    '/proc/vmstat',
    `/sys/fs/cgroup${v2 ?? ''}/memory.events`,
    '/sys/fs/cgroup/memory.events',
    ...(v1 === undefined ? [] : [`/sys/fs/cgroup/memory${v1}/memory.oom_control`]),
  ].filter((file) => readText(file) !== '');
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
