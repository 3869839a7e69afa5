import fs from 'node:fs';
import { isSameFile, openGenerations, type Generation } from './log-files';
import { NOWHERE, type LogPosition } from './log-position';
import { readAt } from './read-at';

/** One file within a snapshot; `start` is where it begins in the whole. */
export interface SnapshotPart extends Generation {
  start: number;
}

interface Slice {
  fd: number;
  at: number;
  length: number;
}

/**
 * A log at one moment as a single run of bytes, the rotated files (oldest first) and the current one joined,
 * so that a line that rotation cut in two is whole again. It holds the files open: rotation does not disturb
 * it. Where a file is truncated meanwhile, reading gives fewer bytes than asked.
 */
export class LogSnapshot {
  readonly parts: readonly SnapshotPart[];
  readonly size: number;

  private constructor(generations: Generation[]) {
    let size = 0;
    this.parts = generations.reverse().map((generation) => {
      const part = { ...generation, start: size };
      size += generation.size;
      return part;
    });
    this.size = size;
  }

  static open(file: string): LogSnapshot {
    return new LogSnapshot(openGenerations(file));
  }

  async read(from: number, to: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafe(Math.max(0, to - from));
    let filled = 0;
    for (const { fd, at, length } of this.slices(from, to)) {
      filled += await readAt(fd, buffer, filled, length, at);
    }
    return buffer.subarray(0, filled);
  }

  readSync(from: number, to: number): Buffer {
    const buffer = Buffer.allocUnsafe(Math.max(0, to - from));
    let filled = 0;
    for (const { fd, at, length } of this.slices(from, to))
      filled += fs.readSync(fd, buffer, filled, length, at);
    return buffer.subarray(0, filled);
  }

  /** Where two files meet it is the end of the older one: what follows is found from there too. */
  positionAt(offset: number): LogPosition {
    const part = this.partAt(offset);
    return part ? { file: part.key, offset: offset - part.start } : NOWHERE;
  }

  partAt(offset: number): SnapshotPart | undefined {
    return this.parts.find(({ start, size }) => offset <= start + size) ?? this.parts.at(-1);
  }

  /** The reverse of `positionAt`; null if that file is not part of the log any more. */
  offsetOf(position: LogPosition): number | null {
    const part = this.parts.find(({ key }) => isSameFile(key, position.file));
    return part && position.offset <= part.size ? part.start + position.offset : null;
  }

  /** Closes all files but `kept`, which is the caller's from now on. */
  close(kept?: SnapshotPart): void {
    for (const part of this.parts) if (part !== kept) fs.closeSync(part.fd);
  }

  private slices(from: number, to: number): Slice[] {
    return this.parts.flatMap(({ fd, start, size }) => {
      const begin = Math.max(from, start);
      const length = Math.min(to, start + size) - begin;
      return length > 0 ? [{ fd, at: begin - start, length }] : [];
    });
  }
}
