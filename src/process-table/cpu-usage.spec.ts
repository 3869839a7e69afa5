import { CpuUsage, type Sample } from './cpu-usage';
import { kernelUnits } from './kernel-units';
import type { ProcessEntry } from './process-entry';
import { ProcessTree } from './process-tree';

const second = kernelUnits.ticksPerSecond;

function anEntry(pid: number, cpuTicks: number, fields: Partial<ProcessEntry> = {}): ProcessEntry {
  return {
    pid,
    ppid: 1,
    pgid: pid,
    state: 'S',
    comm: 'x',
    startTicks: pid,
    cpuTicks,
    endedChildrenTicks: 0,
    rssPages: 1,
    ...fields,
  };
}

function sample(atMs: number, ...entries: ProcessEntry[]): Sample {
  return { atMs, tree: new ProcessTree(entries) };
}

function percentOf(pid: number, earlier: Sample, later: Sample, ageMs = 3_600_000): number {
  const members = later.tree.membersOf(pid);
  return new CpuUsage(earlier, later).percentOf(members[0]!, ageMs, members);
}

describe('CpuUsage', () => {
  it('is the share of one core between two samples, of all processes together', () => {
    const earlier = sample(0, anEntry(10, 5 * second), anEntry(11, 0, { ppid: 10 }));
    const later = sample(2000, anEntry(10, 6 * second), anEntry(11, 2 * second, { ppid: 10 }));
    expect(percentOf(10, earlier, later)).toBe(150);
  });

  it('measures a program that began meanwhile since its start', () => {
    expect(percentOf(10, sample(0), sample(1000, anEntry(10, 0.3 * second)), 300)).toBe(100);
  });

  it('counts what children took that have ended, once', () => {
    const earlier = sample(0, anEntry(10, 0), anEntry(11, second, { ppid: 10 }));
    const later = sample(1000, anEntry(10, 0, { endedChildrenTicks: 1.5 * second }));
    expect(percentOf(10, earlier, later)).toBe(50);
  });

  it('never goes below zero where the parent did not wait for its children', () => {
    const earlier = sample(0, anEntry(10, 0), anEntry(11, second, { ppid: 10 }));
    expect(percentOf(10, earlier, sample(1000, anEntry(10, 0)))).toBe(0);
  });

  it('is not misled by a pid that is used again', () => {
    const earlier = sample(0, anEntry(10, 500 * second));
    const later = sample(1000, anEntry(10, 0.1 * second, { startTicks: 77 }));
    expect(percentOf(10, earlier, later, 500)).toBe(20);
  });
});
