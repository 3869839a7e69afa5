import { isSameFile, type FileKey } from './log-files';

/** A place in a log that stays the same when its file is rotated and when the service restarts. */
export interface LogPosition {
  file: FileKey;
  /** Bytes of that file that lie before it. */
  offset: number;
}

/** Before everything: the place in a log that has no file yet. */
export const NOWHERE: LogPosition = { file: '0', offset: 0 };

/** A place that no log has. */
export const LOST: LogPosition = { file: '0', offset: Infinity };

export function formatPosition({ file, offset }: LogPosition): string {
  return `${file}-${offset}`;
}

export function parsePosition(text: string): LogPosition | null {
  const match = /^(\d{1,20}(?:\.[0-9a-z]{1,12})?)-(\d{1,15})$/.exec(text);
  return match?.[1] && match[2] ? { file: match[1], offset: Number(match[2]) } : null;
}

export function isSamePosition(a: LogPosition, b: LogPosition): boolean {
  return a.offset === b.offset && isSameFile(a.file, b.file);
}
