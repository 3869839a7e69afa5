import { closeSync, openSync, readdirSync, readSync } from 'node:fs';

/*
 * Files of /proc are made up in memory: a synchronous read takes 6 µs, a promise ten times as long.
 * Callers that read many of them do it in slices (see slices.ts), so that nothing else has to wait.
 */

const FIRST_READ_BYTES = 8 * 1024;
const MAX_BYTES = 8 * 1024 * 1024;
const shared = Buffer.allocUnsafe(FIRST_READ_BYTES);

/** The ids of all processes that can be seen, in ascending order. */
export function listPids(): number[] {
  return readdirSync('/proc')
    .filter((name) => name.charCodeAt(0) <= 0x39)
    .map(Number)
    .filter(Number.isInteger);
}

/**
 * The content of a file of /proc, or null if it is gone or may not be read. The buffer is only valid
 * until the next call. Where the file may be long, `isEnough` can end the reading after a piece of it.
 */
export function readProcFile(path: string, isEnough?: (piece: Buffer) => boolean): Buffer | null {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    return null;
  }
  try {
    return readAll(fd, isEnough);
  } catch {
    // The process ended between open and read.
    return null;
  } finally {
    closeSync(fd);
  }
}

export function readProcText(path: string): string | null {
  return readProcFile(path)?.toString('utf8') ?? null;
}

function readAll(fd: number, isEnough?: (piece: Buffer) => boolean): Buffer {
  let buffer = shared;
  let length = 0;
  for (;;) {
    const count = readSync(fd, buffer, length, buffer.length - length, null);
    if (count > 0 && isEnough?.(buffer.subarray(length, length + count)))
      return buffer.subarray(0, length + count);
    length += count;
    // A short read is not the end: the kernel hands out such files page by page.
    if (count === 0 || length >= MAX_BYTES) return buffer.subarray(0, length);
    if (length === buffer.length) buffer = Buffer.concat([buffer], buffer.length * 4);
  }
}
