import { Injectable } from '@nestjs/common';
import { startOfLastLines } from './last-lines';
import { LogCursor } from './log-cursor';
import { isSameFile } from './log-files';
import { isSamePosition, type LogPosition } from './log-position';
import { LogSnapshot } from './log-snapshot';
import { LiveReader, type LiveListener, type LiveReaderOptions } from './live-reader';
import type { LogLine } from './line-splitter';
import { MAX_TAIL_BYTES } from './tail';

/** Where the lines go. */
export interface LogSink {
  /** Takes the lines, always; false asks to wait for `ready` before there are more. */
  take(lines: readonly LogLine[]): boolean;
  ready(): Promise<void>;
  /** Lines between the last one and the next may have been lost: their file is gone. */
  gap(): void;
  /** The log can't be read any more; nothing further comes. */
  failed(error: unknown): void;
}

export interface FollowStart {
  /** Begin with that many lines that are there already, */
  lines: number;
  /** or exactly after this place; if it is gone the sink is told of the gap and gets the last lines. */
  after?: LogPosition | null;
}

interface SharedReader {
  reader: LiveReader;
  users: number;
}

const DEFAULTS: LiveReaderOptions = { pollMs: 1000, quietMs: 1000 };

/**
 * Follows logs: one reader for each log, however many follow it. New lines come within milliseconds of
 * their being written, each exactly once, over rotation, truncation, deletion and re-creation. A line whose
 * line break does not come is given out when the log has been quiet for a second, and its rest as a line of
 * its own.
 */
@Injectable()
export class LogFollowers {
  private readonly readers = new Map<string, SharedReader>();
  private options = DEFAULTS;

  static with(options: Partial<LiveReaderOptions>): LogFollowers {
    const followers = new LogFollowers();
    followers.options = { ...DEFAULTS, ...options };
    return followers;
  }

  /** How many logs are being read. */
  get readerCount(): number {
    return this.readers.size;
  }

  /** The log need not exist yet. Call `replay`, then `live`, and `close` at the end. */
  follow(file: string, start: FollowStart, sink: LogSink): LogFollower {
    const shared = this.readers.get(file) ?? { reader: new LiveReader(file, this.options), users: 0 };
    shared.users++;
    this.readers.set(file, shared);
    return new LogFollower(file, start, sink, shared.reader, () => {
      if (--shared.users > 0) return;
      shared.reader.close();
      this.readers.delete(file);
    });
  }
}

/**
 * One who follows a log. It knows a position, and reads from the file by itself until that is where the
 * shared reader is; from then on it gets the reader's lines. When its sink can't keep up it leaves the
 * reader, waits, and reads from the file again: the log is the buffer, nothing piles up in memory.
 */
export class LogFollower implements LiveListener {
  /** What was there when it began has no time. */
  private readonly joined: LogPosition;
  private at: LogPosition | null = null;
  private cursor: LogCursor | null = null;
  private isReading = false;
  private isAttached = false;
  private isClosed = false;
  private onAttached: (() => void) | null = null;

  constructor(
    private readonly file: string,
    private readonly start: FollowStart,
    private readonly sink: LogSink,
    private readonly reader: LiveReader,
    private readonly release: () => void,
  ) {
    this.joined = reader.position;
  }

  /** The sink has had everything before it. */
  get position(): LogPosition {
    return this.isAttached ? this.reader.position : (this.at ?? this.joined);
  }

  /** Finds the place where it begins. */
  async locate(): Promise<void> {
    if (this.at) return;
    const { after, lines } = this.start;
    if (after && (await this.canGoOnFrom(after))) {
      this.at = after;
      return;
    }
    if (after) this.sink.gap();
    this.at = await this.placeBefore(lines);
  }

  /** Gives the sink what was there when it began. */
  async replay(): Promise<void> {
    await this.locate();
    await this.readUpTo(
      () => this.joined,
      () => null,
    );
  }

  /** Gives the sink everything that comes, as it comes. Resolves when that is level with the shared reader. */
  async live(): Promise<void> {
    // Looked at again after the wait, as attaching must happen at exactly the reader's position.
    while (!this.isClosed && !isSamePosition(this.position, this.reader.position)) {
      await this.readUpTo(
        () => this.reader.position,
        () => new Date().toISOString(),
      );
    }
    if (this.isClosed) return;
    this.closeCursor();
    this.reader.attach(this);
    this.isAttached = true;
    this.onAttached?.();
  }

  /** Gives the sink all that is in the log by now, its unfinished line too. */
  async finish(): Promise<void> {
    this.reader.finish();
    if (this.isAttached || this.isClosed) return;
    await new Promise<void>((resolve) => (this.onAttached = resolve));
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.detach();
    this.onAttached?.();
    // A read that is under way still needs the file: `readUpTo` closes it then.
    if (!this.isReading) this.closeCursor();
    this.release();
  }

  onLines(lines: readonly LogLine[]): void {
    if (this.sink.take(lines)) return;
    const last = lines.at(-1);
    if (!last || this.isClosed) return;
    this.detach();
    this.at = { file: last.file, offset: last.end };
    this.sink
      .ready()
      .then(() => this.live())
      .catch((error: unknown) => this.sink.failed(error));
  }

  onGap(): void {
    this.sink.gap();
  }

  private async readUpTo(limit: () => LogPosition, time: () => string | null): Promise<void> {
    this.isReading = true;
    try {
      while (!this.isClosed && !isSamePosition(this.position, limit())) await this.readStep(limit(), time());
    } finally {
      this.isReading = false;
      if (this.isClosed) this.closeCursor();
    }
  }

  private async readStep(limit: LogPosition, time: string | null): Promise<void> {
    const { position } = this;
    if (isSameFile(position.file, limit.file) && position.offset > limit.offset) {
      // The log was truncated, or is resumed within a line that the reader still holds back.
      this.moveTo(limit);
      return;
    }
    this.cursor ??= await LogCursor.at(this.file, position);
    if (!this.cursor) {
      this.sink.gap();
      this.moveTo(limit);
      return;
    }
    const { lines, gap, done } = await this.cursor.step(limit, time);
    this.at = this.cursor.position;
    if (this.isClosed) return;
    if (gap) this.sink.gap();
    if (lines.length > 0 && !this.sink.take(lines)) await this.sink.ready();
    if (done && !isSamePosition(this.at, limit)) {
      this.sink.gap();
      this.moveTo(limit);
    }
  }

  private moveTo(position: LogPosition): void {
    this.closeCursor();
    this.at = position;
  }

  private async canGoOnFrom(position: LogPosition): Promise<boolean> {
    this.cursor = await LogCursor.at(this.file, position);
    if (this.isClosed) this.closeCursor();
    return this.cursor !== null || isSamePosition(position, this.reader.position);
  }

  private async placeBefore(lines: number): Promise<LogPosition> {
    const log = LogSnapshot.open(this.file);
    try {
      const end = log.offsetOf(this.joined);
      if (end === null || lines === 0) return this.joined;
      const { start } = await startOfLastLines(log, end, lines, Math.max(0, end - MAX_TAIL_BYTES));
      return start === end ? this.joined : log.positionAt(start);
    } finally {
      log.close();
    }
  }

  private detach(): void {
    this.reader.detach(this);
    this.isAttached = false;
  }

  private closeCursor(): void {
    this.cursor?.close();
    this.cursor = null;
  }
}
