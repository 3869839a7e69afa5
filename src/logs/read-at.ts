import fs from 'node:fs';

/** Resolves with the number of bytes read: fewer than asked only at the end of the file. */
export function readAt(
  fd: number,
  into: Buffer,
  at: number,
  length: number,
  position: number,
): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.read(fd, into, at, length, position, (error, bytesRead) =>
      error ? reject(error) : resolve(bytesRead),
    );
  });
}
