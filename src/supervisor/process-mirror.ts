import { EventEmitter } from 'node:events';
import type { SupervisorState } from '../domain/states';

/** What supervisord knows of one process. Times in milliseconds since the epoch. */
export interface ProcessInfo {
  group: string;
  state: SupervisorState;
  /** Of the process; while it does not run, of the last one where that is known. */
  pid: number | null;
  /** Of the last run; both null when it never ended or runs. */
  exit: number | null;
  signal: number | null;
  coreDumped: boolean;
  /** supervisord's own words for why it could not be spawned. */
  spawnError: string | null;
  startedAt: number | null;
  stoppedAt: number | null;
}

export interface ProcessChange {
  group: string;
  /** null: was not there, is not there any more. */
  before: ProcessInfo | null;
  after: ProcessInfo | null;
  /** Milliseconds since the epoch. */
  time: number;
  /** Found by comparing, or told later: the service did not see it happen. */
  inferred: boolean;
}

/**
 * The states of all processes that supervisord told us of, in memory. `connected` says whether they are
 * current. Everything that reads a state reads it here.
 */
export class ProcessMirror {
  private readonly processes = new Map<string, ProcessInfo>();
  private readonly changes = new EventEmitter().setMaxListeners(0);
  private isConnected = false;
  private contact = new AbortController();

  get connected(): boolean {
    return this.isConnected;
  }

  get(group: string): ProcessInfo | undefined {
    return this.processes.get(group);
  }

  all(): IterableIterator<ProcessInfo> {
    return this.processes.values();
  }

  onChange(listener: (change: ProcessChange) => void): void {
    this.changes.on('change', listener);
  }

  /** Called after every switch between current and not current. */
  onConnection(listener: (connected: boolean) => void): void {
    this.changes.on('connection', listener);
  }

  setConnected(connected: boolean): void {
    if (connected === this.isConnected) return;
    this.isConnected = connected;
    if (connected) this.contact = new AbortController();
    else this.contact.abort();
    this.changes.emit('connection', connected);
  }

  apply(group: string, after: ProcessInfo | null, time: number, inferred = false): void {
    const before = this.processes.get(group) ?? null;
    if (after) this.processes.set(group, after);
    else this.processes.delete(group);
    const change: ProcessChange = { group, before, after, time, inferred };
    this.changes.emit('change', change);
    this.changes.emit(`group ${group}`, change);
  }

  /** Puts a complete picture in place of what is there; what differs is told as changes that were not seen. */
  replace(processes: readonly ProcessInfo[], time: number): void {
    const present = new Set(processes.map((p) => p.group));
    for (const group of [...this.processes.keys()])
      if (!present.has(group)) this.apply(group, null, time, true);
    for (const info of processes) {
      const before = this.processes.get(info.group);
      if (!before || differs(before, info)) this.apply(info.group, info, time, true);
    }
  }

  /** Forgets everything: the supervisord that it was about is gone. */
  clear(time: number): void {
    this.replace([], time);
  }

  /**
   * Resolves with the process as soon as it is as wanted (`info` is undefined while it is not there), with
   * null when `timeoutMs` is over or the contact is lost. Sees every change, also several at once.
   */
  async until(
    group: string,
    isAsWanted: (info: ProcessInfo | undefined) => boolean,
    timeoutMs: number,
  ): Promise<{ info: ProcessInfo | undefined } | null> {
    const now = this.get(group);
    if (isAsWanted(now)) return { info: now };
    const { signal } = this.contact;
    if (signal.aborted) return null;
    return await new Promise((resolve) => {
      const finish = (result: { info: ProcessInfo | undefined } | null) => {
        clearTimeout(timer);
        this.changes.off(`group ${group}`, check);
        signal.removeEventListener('abort', giveUp);
        resolve(result);
      };
      const check = ({ after }: ProcessChange) => {
        const info = after ?? undefined;
        if (isAsWanted(info)) finish({ info });
      };
      const giveUp = () => finish(null);
      const timer = setTimeout(giveUp, timeoutMs);
      this.changes.on(`group ${group}`, check);
      signal.addEventListener('abort', giveUp);
    });
  }
}

function differs(a: ProcessInfo, b: ProcessInfo): boolean {
  return a.state !== b.state || (a.pid !== b.pid && isAlive(b)) || a.startedAt !== b.startedAt;
}

/** There is a process, or supervisord is about to make one. */
export function isAlive(info: ProcessInfo | undefined | null): boolean {
  return info?.state === 'STARTING' || info?.state === 'RUNNING' || info?.state === 'STOPPING';
}
