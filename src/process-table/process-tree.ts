import type { ProcessEntry } from './process-entry';

/** Finds all processes that belong to a program, given its first one. */
export class ProcessTree {
  readonly byPid = new Map<number, ProcessEntry>();
  private readonly byParent = new Map<number, ProcessEntry[]>();
  private readonly byGroup = new Map<number, ProcessEntry[]>();

  constructor(entries: readonly ProcessEntry[]) {
    for (const entry of entries) {
      this.byPid.set(entry.pid, entry);
      append(this.byParent, entry.ppid, entry);
      append(this.byGroup, entry.pgid, entry);
    }
  }

  /**
   * The root, its descendants, and those of its process group whose parent has died (they hang under
   * pid 1), with their descendants. Empty if the root is gone.
   */
  membersOf(rootPid: number): ProcessEntry[] {
    const root = this.byPid.get(rootPid);
    if (!root) return [];
    const members = new Set([root]);
    // A group is led by the process whose pid it carries; a root that leads none shares its caller's.
    if (root.pgid === rootPid) this.byGroup.get(rootPid)?.forEach((entry) => members.add(entry));
    // A set visits what is added to it on the way.
    for (const member of members) this.byParent.get(member.pid)?.forEach((entry) => members.add(entry));
    return [...members];
  }
}

function append(map: Map<number, ProcessEntry[]>, key: number, entry: ProcessEntry): void {
  const list = map.get(key);
  if (list) list.push(entry);
  else map.set(key, [entry]);
}
