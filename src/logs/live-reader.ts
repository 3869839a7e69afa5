import fs from 'node:fs';
import { FileWatch } from './file-watch';
import { fileKey, openNext, openOldest, type Generation } from './log-files';
import { LINE_BREAK } from './last-lines';
import type { LogPosition } from './log-position';
import { LogSnapshot, type SnapshotPart } from './log-snapshot';
import { LineSplitter, MAX_LINE_BYTES, type LogLine } from './line-splitter';

/** Every reader reads into it and has made lines of it before it returns. */
const BUFFER = Buffer.allocUnsafeSlow(64 * 1024);
const CHUNKS_PER_TURN = 4;
const UNWATCHED_POLL_MS = 50;

export interface LiveReaderOptions {
  /** How often it looks without having been woken. */
  pollMs: number;
  /** How long a line without its line break is held back. */
  quietMs: number;
}

interface Start {
  position: LogPosition;
  inLine: boolean;
  generation: Generation | null;
}

export interface LiveListener {
  onLines(lines: readonly LogLine[]): void;
  onGap(): void;
}

/**
 * The one reader of a log for all who follow it: it reads what is new and hands out the same lines to
 * everybody. It reads a rotated file to its end before it turns to the next. A file that shrinks was
 * truncated and is read from its beginning; one that is truncated and grows beyond its old size before we
 * look can't be told from one that just grew.
 *
 * Reading is synchronous: what was just written is in memory, and a bounded read of it costs microseconds.
 */
export class LiveReader {
  private readonly listeners = new Set<LiveListener>();
  private readonly splitter: LineSplitter;
  private readonly watch: FileWatch;
  private current: Generation | null;
  private offset: number;
  private next: { next: Generation; gap: boolean } | null = null;
  private grewAt = Date.now();
  private isScheduled = false;
  private isClosed = false;
  private timer: NodeJS.Timeout | null = null;

  constructor(
    private readonly file: string,
    private readonly options: LiveReaderOptions,
  ) {
    const { position, inLine, generation } = startOf(file, options.quietMs);
    this.current = generation;
    this.offset = position.offset;
    this.splitter = new LineSplitter(position, inLine);
    this.watch = new FileWatch(file, () => this.schedule());
    this.watch.watchFile();
    this.schedule();
    this.poll();
  }

  /** Everything before it has been handed out. */
  get position(): LogPosition {
    return this.splitter.position;
  }

  /** The listener gets all lines after `position` from now on. */
  attach(listener: LiveListener): void {
    this.listeners.add(listener);
  }

  detach(listener: LiveListener): void {
    this.listeners.delete(listener);
  }

  /** Hands out everything that is in the log by now, a line without its line break too. */
  finish(): void {
    for (let turns = 0; turns < 64 && this.turn(); turns++);
    this.flush();
  }

  close(): void {
    this.isClosed = true;
    if (this.timer) clearTimeout(this.timer);
    this.watch.close();
    for (const generation of [this.current, this.next?.next]) if (generation) fs.closeSync(generation.fd);
    this.current = this.next = null;
  }

  private poll(): void {
    const delay = this.watch.isWatching ? this.options.pollMs : UNWATCHED_POLL_MS;
    this.timer = setTimeout(() => {
      this.turn();
      if (Date.now() - this.grewAt >= this.options.quietMs) this.flush();
      if (!this.isClosed) this.poll();
    }, delay).unref();
  }

  private schedule(): void {
    if (this.isScheduled || this.isClosed) return;
    this.isScheduled = true;
    setImmediate(() => {
      this.isScheduled = false;
      this.turn();
    });
  }

  /** Reads for a while; true if there may be more, which it has seen to. */
  private turn(): boolean {
    if (this.isClosed) return false;
    try {
      for (let chunk = 0; chunk < CHUNKS_PER_TURN; chunk++) {
        const read = this.readChunk();
        // A short read is the end for now, unless a newer file waits.
        if (read < BUFFER.length && !this.lookFurther(read)) return false;
      }
    } catch {
      // Too many open files, no permission: it stays where it is, and the next poll tries again.
      return false;
    }
    this.schedule();
    return true;
  }

  private readChunk(): number {
    if (!this.current) return 0;
    const { fd } = this.current;
    const read = fs.readSync(fd, BUFFER, 0, BUFFER.length, this.offset);
    if (read === 0) return 0;
    // That there are times of birth shows only when some file has changed.
    if (!this.current.key.includes('.')) this.current.key = fileKey(fs.fstatSync(fd));
    const time = new Date().toISOString();
    const lines = this.splitter.push(BUFFER.subarray(0, read), this.current.key, this.offset, time);
    this.offset += read;
    this.grewAt = Date.now();
    this.handOut(lines);
    return read;
  }

  /** True if there is more to read: in this file, from its beginning, or in the next one. */
  private lookFurther(read: number): boolean {
    if (this.isClosed) return false;
    if (this.next) return read > 0 || this.turnPage();
    const now = fs.statSync(this.file, { throwIfNoEntry: false });
    if (!now) this.watch.watchFolder();
    if (now && this.current && now.ino === fs.fstatSync(this.current.fd).ino) {
      return now.size < this.offset && this.startOver();
    }
    this.next = this.findNext();
    // Read the old one once more before leaving: its last bytes may have come just before the rotation.
    return this.next !== null;
  }

  private findNext(): { next: Generation; gap: boolean } | null {
    if (this.current) return openNext(this.file, this.current);
    const oldest = openOldest(this.file);
    return oldest && { next: oldest, gap: false };
  }

  private turnPage(): boolean {
    if (!this.next) return false;
    const { next, gap } = this.next;
    if (this.current) fs.closeSync(this.current.fd);
    else this.splitter.restart({ file: next.key, offset: 0 });
    this.current = next;
    this.offset = 0;
    this.next = null;
    this.watch.watchFile();
    if (gap) for (const listener of this.listeners) listener.onGap();
    // What came before the watch was there woke nobody.
    this.schedule();
    return true;
  }

  private startOver(): boolean {
    if (!this.current) return false;
    this.flush();
    this.offset = 0;
    this.splitter.restart({ file: this.current.key, offset: 0 });
    return true;
  }

  private flush(): void {
    if (this.current && this.splitter.isHolding) {
      this.handOut(this.splitter.flush(this.current.key, this.offset, new Date().toISOString()));
    }
  }

  private handOut(lines: readonly LogLine[]): void {
    if (lines.length > 0) for (const listener of this.listeners) listener.onLines(lines);
  }
}

/**
 * Where a reader begins: after the last line break, so that a line which is being written comes whole; at
 * the very end if nothing has been written for a while, as that line will hardly go on.
 */
function startOf(file: string, quietMs: number): Start {
  const log = LogSnapshot.open(file);
  let kept: SnapshotPart | undefined;
  try {
    const from = Math.max(0, log.size - MAX_LINE_BYTES);
    const bytes = log.readSync(from, log.size);
    const lastBreak = bytes.lastIndexOf(LINE_BREAK);
    const isQuiet = Date.now() - (log.parts.at(-1)?.mtimeMs ?? 0) >= quietMs;
    const isEnd = isQuiet || (lastBreak < 0 && from > 0);
    const end = isEnd ? log.size : from + lastBreak + 1;
    const inLine = isEnd && bytes.length > 0 && bytes.at(-1) !== LINE_BREAK;
    kept = log.partAt(end);
    return { position: log.positionAt(end), inLine, generation: kept ?? null };
  } finally {
    log.close(kept);
  }
}
