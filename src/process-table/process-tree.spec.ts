import type { ProcessEntry } from './process-entry';
import { ProcessTree } from './process-tree';

function anEntry(pid: number, ppid: number, pgid: number): ProcessEntry {
  return {
    pid,
    ppid,
    pgid,
    state: 'S',
    comm: 'x',
    startTicks: pid,
    cpuTicks: 0,
    endedChildrenTicks: 0,
    rssPages: 1,
  };
}

function membersOf(root: number, ...entries: ProcessEntry[]): number[] {
  return new ProcessTree(entries).membersOf(root).map(({ pid }) => pid);
}

describe('ProcessTree', () => {
  it('holds descendants of any depth, in whatever process group', () => {
    const entries = [anEntry(10, 1, 10), anEntry(11, 10, 10), anEntry(12, 11, 12), anEntry(99, 1, 99)];
    expect(membersOf(10, ...entries)).toEqual([10, 11, 12]);
  });

  it('holds those of the group whose parent has died, and their children', () => {
    expect(membersOf(10, anEntry(10, 1, 10), anEntry(12, 1, 10), anEntry(13, 12, 13))).toEqual([10, 12, 13]);
  });

  it('leaves the group alone if the root does not lead it', () => {
    expect(membersOf(11, anEntry(10, 1, 10), anEntry(11, 10, 10), anEntry(12, 10, 10))).toEqual([11]);
  });

  it('is empty if the root is gone', () => {
    expect(membersOf(10, anEntry(12, 1, 10))).toEqual([]);
  });
});
