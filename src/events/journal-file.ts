import { appendFile, readFile, rename, writeFile } from 'node:fs/promises';
import { Logger } from '@nestjs/common';
import { type JournalEntry, lineOf, parseLine } from './journal-entry';

const RETRY_MS = 10_000;

/**
 * The journal on disk: one JSON line per change, appended. It is written anew, from what is in memory,
 * when it has twice the lines that are kept, when it ended in a torn line, and after a failed write.
 *
 * Nothing here throws: a disk that is full or read-only is logged once, tried again at most every 10
 * seconds, and the service goes on without it.
 */
export class JournalFile {
  private readonly log = new Logger('ChangeJournal');
  private lines = 0;
  private mustRewrite = false;
  private failing = false;
  private retryAt = 0;
  private busy = false;
  private missed = false;

  constructor(
    private readonly path: string,
    private readonly keptLines: number,
    /** What is in memory, up to and with this id. */
    private readonly kept: (upTo: number) => readonly JournalEntry[],
  ) {}

  /** What an earlier run left, in order. The file is not touched: a second service may yet be refused. */
  async load(): Promise<JournalEntry[]> {
    const text = await this.read();
    const lines = text.split('\n');
    if (lines.pop() !== '') this.mustRewrite = true;
    this.lines = lines.length;
    const entries: JournalEntry[] = [];
    for (const line of lines) {
      const entry = parseLine(line);
      if (entry && entry.id > (entries.at(-1)?.id ?? 0)) entries.push(entry);
      else this.mustRewrite = true;
    }
    return entries.slice(-this.keptLines);
  }

  /**
   * Adds the entries, which are in memory already. What this resolves for survives a kill of the service
   * (not a power cut). While an earlier write still hangs it only notes that the file is to be written anew.
   */
  async append(entries: readonly JournalEntry[]): Promise<void> {
    const last = entries.at(-1);
    if (!last || (this.failing && Date.now() < this.retryAt)) return;
    if (this.busy) {
      this.missed = true;
      return;
    }
    this.busy = true;
    try {
      if (this.mustRewrite || this.lines + entries.length > 2 * this.keptLines) await this.rewrite(last.id);
      else await this.appendLines(entries);
      this.recovered();
    } catch (error) {
      this.failed(error as Error);
    }
    this.busy = false;
    this.mustRewrite ||= this.missed;
    this.missed = false;
  }

  /** Tries once more what could not be written. */
  async settle(): Promise<void> {
    this.retryAt = 0;
    if (this.mustRewrite) await this.append(this.kept(Infinity));
  }

  private async read(): Promise<string> {
    try {
      return await readFile(this.path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.failed(error as Error);
      return '';
    }
  }

  private async appendLines(entries: readonly JournalEntry[]): Promise<void> {
    // Half a batch may be on disk when this fails.
    this.mustRewrite = true;
    await appendFile(this.path, entries.map(lineOf).join(''), { mode: 0o600 });
    this.mustRewrite = false;
    this.lines += entries.length;
  }

  private async rewrite(upTo: number): Promise<void> {
    this.mustRewrite = true;
    const lines = this.kept(upTo).map(lineOf);
    const next = `${this.path}.new`;
    await writeFile(next, lines.join(''), { mode: 0o600 });
    await rename(next, this.path);
    this.mustRewrite = false;
    this.lines = lines.length;
  }

  private failed(error: Error): void {
    if (!this.failing)
      this.log.warn(
        `Cannot use the journal of events (${error.message}). Events go on, but those of now will not be there after a restart.`,
      );
    this.failing = true;
    this.mustRewrite = true;
    this.retryAt = Date.now() + RETRY_MS;
  }

  private recovered(): void {
    if (this.failing) this.log.log('The journal of events is written again.');
    this.failing = false;
  }
}
