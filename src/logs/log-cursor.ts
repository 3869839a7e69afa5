import fs from 'node:fs';
import { LINE_BREAK } from './last-lines';
import { isSameFile, openByKey, openNext, openOldest, type Generation } from './log-files';
import { NOWHERE, type LogPosition } from './log-position';
import { LineSplitter, type LogLine } from './line-splitter';
import { readAt } from './read-at';

const CHUNK = 128 * 1024;

export interface CursorStep {
  lines: LogLine[];
  /** Files between the last line and these may have been lost. */
  gap: boolean;
  /** The limit is reached, or can't be reached any more. */
  done: boolean;
}

/**
 * Reads a log forwards from a position, through the files that followed by rotation, up to a limit that may
 * move on between steps. One step reads at most 128 KiB.
 */
export class LogCursor {
  private next: { next: Generation; gap: boolean } | null = null;

  private constructor(
    private readonly file: string,
    private current: Generation,
    private offset: number,
    private readonly splitter: LineSplitter,
  ) {}

  /** Null if that place does not exist any more: its file is gone, or was truncated. */
  static async at(file: string, position: LogPosition): Promise<LogCursor | null> {
    const isStart = isSameFile(position.file, NOWHERE.file);
    const generation = isStart ? openOldest(file) : openByKey(file, position.file);
    if (!generation) return null;
    if (position.offset > generation.size) {
      fs.closeSync(generation.fd);
      return null;
    }
    const inLine = position.offset > 0 && !(await endsLine(generation.fd, position.offset));
    const start = { file: generation.key, offset: position.offset };
    return new LogCursor(file, generation, position.offset, new LineSplitter(start, inLine));
  }

  get position(): LogPosition {
    return this.splitter.position;
  }

  async step(limit: LogPosition, time: string | null): Promise<CursorStep> {
    const { fd, key } = this.current;
    const isLast = isSameFile(key, limit.file);
    const room = isLast ? limit.offset - this.offset : CHUNK;
    if (room <= 0) {
      // A limit within a line: its beginning has gone out to the others, so it goes out here too.
      return { lines: this.splitter.flush(key, this.offset, time), gap: false, done: true };
    }
    const buffer = Buffer.allocUnsafe(Math.min(room, CHUNK));
    const bytesRead = await readAt(fd, buffer, 0, buffer.length, this.offset);
    if (bytesRead > 0) {
      const lines = this.splitter.push(buffer.subarray(0, bytesRead), key, this.offset, time);
      this.offset += bytesRead;
      return { lines, gap: false, done: false };
    }
    return isLast ? { lines: [], gap: false, done: true } : this.turnPage();
  }

  close(): void {
    fs.closeSync(this.current.fd);
    if (this.next) fs.closeSync(this.next.next.fd);
  }

  private turnPage(): CursorStep {
    if (!this.next) {
      // Read once more before leaving: the last bytes may have come between the read and the rotation.
      this.next = openNext(this.file, this.current);
      return { lines: [], gap: false, done: this.next === null };
    }
    const { next, gap } = this.next;
    fs.closeSync(this.current.fd);
    this.current = next;
    this.offset = 0;
    this.next = null;
    return { lines: [], gap, done: false };
  }
}

async function endsLine(fd: number, offset: number): Promise<boolean> {
  const before = Buffer.alloc(1);
  await readAt(fd, before, 0, 1, offset - 1);
  return before[0] === LINE_BREAK;
}
