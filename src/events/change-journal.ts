import type { OnApplicationShutdown, OnModuleInit } from '@nestjs/common';
import type { StatePaths } from '../config-store/state-paths';
import type { Change, StateChange } from '../domain/changes';
import type { ChangeFeed } from './change-feed';
import { EntryList } from './entry-list';
import { type JournalEntry, journalEntry } from './journal-entry';
import { JournalFile } from './journal-file';

export const JOURNAL_LIMIT = 10_000;

/** How long a slow disk may hold back what is told to clients. */
const DISK_PATIENCE_MS = 50;

/** An entry of the journal that is known to be about a state. */
export type StateEntry = JournalEntry & { change: StateChange };

export interface Replay {
  /** What came after the given id and may be told, oldest first. */
  changes: JournalEntry[];
  /** The id is not one of those that can be resumed from: something may be missing. */
  gap: boolean;
}

/**
 * The last 10,000 changes, in order, each with an id that never comes twice.
 *
 * Ids are microseconds of the clock at the start of the service, or the last id on disk where that is
 * larger, and count up from there. So they grow even if the disk lost the journal or never took it; only
 * a lost journal together with a clock that was set back could repeat one.
 *
 * A change is on disk before it is told (unless the disk hangs): whoever saw an id can resume from it after
 * a kill of the service.
 */
export class ChangeJournal implements OnModuleInit, OnApplicationShutdown {
  private readonly entries = new EntryList<JournalEntry>();
  private readonly states = new Map<string, EntryList<StateEntry>>();
  private readonly listeners = new Set<(entry: JournalEntry) => void>();
  private readonly file: JournalFile;
  private early: Change[] | null = [];
  private untold: JournalEntry[] = [];
  private telling: Promise<void> | null = null;
  /** The last id that was given, that was told, and the one before the oldest entry. */
  private given = 0;
  private told = 0;
  private floor = -1;

  constructor(
    feed: ChangeFeed,
    paths: StatePaths,
    private readonly limit = JOURNAL_LIMIT,
  ) {
    this.file = new JournalFile(paths.journal, limit, (upTo) => this.entries.between(0, upTo));
    feed.changes.subscribe((change) => this.add(change));
  }

  async onModuleInit(): Promise<void> {
    for (const entry of await this.file.load()) this.keep(entry);
    const last = this.entries.last?.id ?? 0;
    this.given = Math.max(last, Date.now() * 1000);
    this.told = last || this.given;
    // Nothing was told before the first start, so its beginning can be resumed from.
    if (!last) this.floor = this.given;
    const early = this.early ?? [];
    this.early = null;
    for (const change of early) this.add(change);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.telling;
    await this.file.settle();
  }

  /** The id of the oldest change that is remembered. */
  get oldest(): string | null {
    return this.entries.first ? String(this.entries.first.id) : null;
  }

  /** The id of the last change that was told. */
  get newest(): string {
    return String(this.told);
  }

  /** The id that follows on a snapshot of all states taken now: some changes in it may not be told yet. */
  get now(): string {
    return String(this.entries.last?.id ?? this.told);
  }

  since(id: string, limit = Infinity): Replay {
    const after = this.idOf(id);
    if (after === null) return { changes: [], gap: true };
    return { changes: this.entries.between(after, this.told, limit), gap: false };
  }

  /**
   * Calls `onTold`, which must not throw, for every change from now on, when `since` has it too.
   * @returns ends that
   */
  listen(onTold: (entry: JournalEntry) => void): () => void {
    const listener = (entry: JournalEntry): void => onTold(entry);
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /** Newest first; from the last time that a program of this id was added. */
  statesOf(program: string): Iterable<StateEntry> {
    return this.states.get(program)?.newestFirst() ?? [];
  }

  private add(change: Change): void {
    if (this.early) {
      this.early.push(change);
      return;
    }
    this.given += 1;
    const entry = journalEntry(this.given, change);
    this.keep(entry);
    this.untold.push(entry);
    this.telling ??= this.tellAll();
  }

  private keep(entry: JournalEntry): void {
    this.entries.push(entry);
    this.index(entry);
    if (this.entries.length > this.limit) this.forgetOldest();
  }

  private index(entry: JournalEntry): void {
    const { change } = entry;
    if (change.type === 'config') {
      if (change.action === 'added' && change.program !== null) this.states.delete(change.program);
      return;
    }
    const states = this.states.get(change.program) ?? new EntryList<StateEntry>();
    states.push(entry as StateEntry);
    this.states.set(change.program, states);
  }

  private forgetOldest(): void {
    const oldest = this.entries.shift()!;
    this.floor = oldest.id;
    const program = oldest.change.program ?? '';
    const states = this.states.get(program);
    if (states?.first !== oldest) return;
    states.shift();
    if (states.length === 0) this.states.delete(program);
  }

  private async tellAll(): Promise<void> {
    // Changes that come in one turn are written, and told, together.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.untold.length > 0) {
      const batch = this.untold;
      this.untold = [];
      await atMost(DISK_PATIENCE_MS, this.file.append(batch));
      for (const entry of batch) this.tell(entry);
    }
    this.telling = null;
  }

  private tell(entry: JournalEntry): void {
    this.told = entry.id;
    for (const listener of this.listeners) listener(entry);
  }

  private idOf(text: string): number | null {
    const id = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
    return id === this.floor || this.entries.has(id) ? id : null;
  }
}

async function atMost(ms: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
  await Promise.race([work, patience]);
  clearTimeout(timer);
}
