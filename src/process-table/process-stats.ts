import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { CpuUsage, type Sample } from './cpu-usage';
import { kernelUnits, wallClockMs } from './kernel-units';
import { scanProcesses } from './process-table';
import { ProcessTree } from './process-tree';
import { SharedPass } from './shared-pass';

/** What a program uses, all its processes together. Field names are those of the API. */
export interface TreeStats {
  /** Share of one core over the last second or so; 150 means one and a half cores. */
  cpu_percent: number;
  /** Pages that several processes share count once for each. */
  memory_rss_bytes: number;
  process_count: number;
  /** When the first process began; ISO 8601 UTC. */
  started_at: string;
}

/** An answer may be this old. */
const CACHE_MS = 500;
/** What cpu_percent looks back to: the youngest sample of at least this age … */
const LOOK_BACK_MS = 900;
/** … and never one that is older than this … */
const LONGEST_LOOK_BACK_MS = 3000;
/** … and where there is none (a first question), two samples are taken this far apart. */
const SHORTEST_LOOK_BACK_MS = 200;
/** After a question the sampling goes on for a while, so that who polls waits only the first time. */
const SAMPLE_EVERY_MS = 1000;
const SAMPLE_FOR_MS = 30_000;

interface View {
  sample: Sample;
  usage: CpuUsage;
}

@Injectable()
export class ProcessStats implements OnModuleDestroy {
  /** Youngest last. */
  private samples: Sample[] = [];
  private latest: View | null = null;
  private sampler: NodeJS.Timeout | null = null;
  private lastAskedMs = 0;
  private readonly views = new SharedPass(() => this.look());

  /**
   * Stats of each root process with its descendants; roots that do not run are missing. One pass over
   * /proc serves all roots and all concurrent callers, and is used again for 500 ms. The first call in a
   * while takes 200 ms longer, because a share of the processor needs two looks.
   */
  async statsOf(rootPids: readonly number[]): Promise<Map<number, TreeStats>> {
    if (rootPids.length === 0) return new Map();
    this.keepSampling();
    const cached = this.latest;
    const isUsable =
      cached !== null &&
      performance.now() - cached.sample.atMs < CACHE_MS &&
      // A program that was started since then deserves a new look.
      rootPids.every((pid) => cached.sample.tree.byPid.has(pid));
    return statsIn(isUsable ? cached : await this.views.fresh(), rootPids);
  }

  onModuleDestroy(): void {
    if (this.sampler) clearInterval(this.sampler);
    this.sampler = null;
  }

  private async look(): Promise<View> {
    let sample = await this.takeSample();
    let earlier = this.lookBack(sample.atMs);
    if (!earlier) {
      earlier = sample;
      await sleep(SHORTEST_LOOK_BACK_MS);
      sample = await this.takeSample();
    }
    this.latest = { sample, usage: new CpuUsage(earlier, sample) };
    return this.latest;
  }

  private async takeSample(): Promise<Sample> {
    const atMs = performance.now();
    const sample = { atMs, tree: new ProcessTree(await scanProcesses()) };
    this.samples = this.samples.filter((old) => atMs - old.atMs <= LONGEST_LOOK_BACK_MS);
    this.samples.push(sample);
    return sample;
  }

  private lookBack(nowMs: number): Sample | undefined {
    return (
      this.samples.findLast((sample) => nowMs - sample.atMs >= LOOK_BACK_MS) ??
      this.samples.find((sample) => nowMs - sample.atMs >= SHORTEST_LOOK_BACK_MS)
    );
  }

  private keepSampling(): void {
    this.lastAskedMs = performance.now();
    this.sampler ??= setInterval(() => {
      if (performance.now() - this.lastAskedMs > SAMPLE_FOR_MS) {
        this.onModuleDestroy();
        this.samples = [];
      } else if (!this.hasSampleSince(SAMPLE_EVERY_MS / 2)) {
        this.views.fresh().catch(() => undefined);
      }
    }, SAMPLE_EVERY_MS).unref();
  }

  private hasSampleSince(ms: number): boolean {
    const youngest = this.samples.at(-1);
    return youngest !== undefined && performance.now() - youngest.atMs < ms;
  }
}

function statsIn({ sample, usage }: View, rootPids: readonly number[]): Map<number, TreeStats> {
  const stats = new Map<number, TreeStats>();
  for (const pid of rootPids) {
    const members = sample.tree.membersOf(pid);
    const root = members[0];
    if (!root || root.state === 'Z') continue;
    const startedMs = wallClockMs(root.startTicks);
    const ageMs = Date.now() - startedMs - (performance.now() - sample.atMs);
    stats.set(pid, {
      cpu_percent: usage.percentOf(root, ageMs, members),
      memory_rss_bytes: members.reduce((sum, m) => sum + m.rssPages, 0) * kernelUnits.pageBytes,
      process_count: members.filter((m) => m.state !== 'Z').length,
      started_at: new Date(startedMs).toISOString(),
    });
  }
  return stats;
}
