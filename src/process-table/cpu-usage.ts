import { kernelUnits } from './kernel-units';
import type { ProcessEntry } from './process-entry';
import type { ProcessTree } from './process-tree';

/** The process table at one moment (milliseconds of the monotonic clock). */
export interface Sample {
  atMs: number;
  tree: ProcessTree;
}

/** Ticks are 10 ms long: over less than this a share would be noise. */
const SHORTEST_SPAN_MS = 100;

/**
 * The share of one core, in percent, that a program's processes took between two samples. What children
 * took that ended in between counts too: their parent has inherited it. A program younger than the
 * earlier sample is measured since its start.
 */
export class CpuUsage {
  /** For each parent, the ticks of those children that have ended since the earlier sample. */
  private readonly countedBefore = new Map<number, number>();

  constructor(
    private readonly earlier: Sample,
    private readonly later: Sample,
  ) {
    for (const entry of earlier.tree.byPid.values()) {
      if (isSame(later.tree.byPid.get(entry.pid), entry)) continue;
      const ticks = entry.cpuTicks + entry.endedChildrenTicks;
      this.countedBefore.set(entry.ppid, (this.countedBefore.get(entry.ppid) ?? 0) + ticks);
    }
  }

  percentOf(root: ProcessEntry, rootAgeMs: number, members: readonly ProcessEntry[]): number {
    const ticks = members.reduce((sum, member) => sum + this.ticksOf(member), 0);
    const between = this.later.atMs - this.earlier.atMs;
    const isNew = !isSame(this.earlier.tree.byPid.get(root.pid), root);
    const spanMs = Math.max(SHORTEST_SPAN_MS, isNew ? Math.min(between, rootAgeMs) : between);
    const percent = ((ticks / kernelUnits.ticksPerSecond) * 100_000) / spanMs;
    return Math.round(percent * 10) / 10;
  }

  private ticksOf(member: ProcessEntry): number {
    const before = this.earlier.tree.byPid.get(member.pid);
    if (!before || !isSame(member, before)) return member.cpuTicks + member.endedChildrenTicks;
    const inherited = member.endedChildrenTicks - before.endedChildrenTicks;
    const news = Math.max(0, inherited - (this.countedBefore.get(member.pid) ?? 0));
    return member.cpuTicks - before.cpuTicks + news;
  }
}

function isSame(a: ProcessEntry | undefined, b: ProcessEntry): boolean {
  return a !== undefined && a.startTicks === b.startTicks;
}
