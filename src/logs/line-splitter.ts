import { LINE_BREAK } from './last-lines';
import type { FileKey } from './log-files';
import type { LogPosition } from './log-position';
import { lastCharEnd, nextCharStart } from './utf8';

export const MAX_LINE_BYTES = 64 * 1024;
const NOTHING = Buffer.alloc(0);

/** One line of a log without its line break, or a piece of a very long one. */
export class LogLine {
  private serialised?: string;

  constructor(
    readonly text: string,
    /** Where the log goes on after it. */
    readonly file: FileKey,
    readonly end: number,
    /** When the service saw it, ISO 8601; null if it was there before anybody looked. */
    readonly time: string | null,
  ) {}

  /** Made once, however many clients get the line. */
  get json(): string {
    return (this.serialised ??= JSON.stringify({ line: this.text, time: this.time }));
  }
}

/**
 * Turns the bytes of a log into lines. What follows the last line break is held back until the rest of the
 * line comes (or `flush`), so that a character or a line that was cut by a read or by rotation is whole. A
 * line longer than 64 KiB comes in pieces. Only `\n` ends a line.
 */
export class LineSplitter {
  private held: Buffer = NOTHING;
  private file: FileKey;
  private end: number;

  /** `inLine`: the beginning of the line at `start` has been given out before. */
  constructor(
    start: LogPosition,
    private inLine = false,
  ) {
    this.file = start.file;
    this.end = start.offset;
  }

  /** Up to here everything has been given out. */
  get position(): LogPosition {
    return { file: this.file, offset: this.end };
  }

  get isHolding(): boolean {
    return this.held.length > 0;
  }

  /** Takes the bytes at `offset` of `file`, which follow those before. */
  push(bytes: Buffer, file: FileKey, offset: number, time: string | null): LogLine[] {
    const lines: LogLine[] = [];
    let from = 0;
    for (let at = bytes.indexOf(LINE_BREAK); at >= 0; at = bytes.indexOf(LINE_BREAK, from)) {
      this.take(bytes.subarray(from, at), file, offset + at, time, lines);
      this.endLine(file, offset + at + 1, time, lines);
      from = at + 1;
    }
    if (from < bytes.length) this.take(bytes.subarray(from), file, offset + bytes.length, time, lines);
    // A copy: the caller reads into the same buffer again.
    if (this.held.buffer === bytes.buffer) this.held = Buffer.from(this.held);
    return lines;
  }

  /** Gives out what is held, but for the beginning of a character; `file` and `offset` are where reading stands. */
  flush(file: FileKey, offset: number, time: string | null): LogLine[] {
    const end = lastCharEnd(this.held);
    if (end === 0) return [];
    return [this.piece(end, file, offset - (this.held.length - end), time)];
  }

  /** Gives up what is held: the log does not go on where it stopped. */
  restart(position: LogPosition): void {
    this.held = NOTHING;
    this.inLine = false;
    this.file = position.file;
    this.end = position.offset;
  }

  /** `end`: the offset after these bytes. */
  private take(bytes: Buffer, file: FileKey, end: number, time: string | null, lines: LogLine[]): void {
    this.held = this.held.length === 0 ? bytes : Buffer.concat([this.held, bytes]);
    while (this.held.length > MAX_LINE_BYTES) {
      const cut = nextCharStart(this.held, MAX_LINE_BYTES);
      if (cut === this.held.length) return;
      lines.push(this.piece(cut, file, end - (this.held.length - cut), time));
    }
  }

  private endLine(file: FileKey, end: number, time: string | null, lines: LogLine[]): void {
    // The line break of a line whose text went out before is not an empty line.
    if (this.held.length > 0 || !this.inLine) lines.push(this.piece(this.held.length, file, end, time));
    this.inLine = false;
    this.file = file;
    this.end = end;
  }

  private piece(length: number, file: FileKey, end: number, time: string | null): LogLine {
    const line = new LogLine(this.held.toString('utf8', 0, length), file, Math.max(0, end), time);
    this.held = length === this.held.length ? NOTHING : this.held.subarray(length);
    this.inLine = true;
    this.file = file;
    this.end = line.end;
    return line;
  }
}
