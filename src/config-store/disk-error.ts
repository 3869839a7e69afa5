import { basename } from 'node:path';
import { DaemonError } from '../domain/errors';

const WORDS: Record<string, string> = {
  ENOSPC: 'no space left on device',
  EDQUOT: 'disk quota exceeded',
  EROFS: 'the file system is read-only',
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  EIO: 'input/output error of the disk',
  ENOENT: 'its folder is gone',
  EMFILE: 'too many open files',
  ENFILE: 'too many open files on this system',
  EEXIST: 'a file is in the way',
  ENOTDIR: 'a file is in the way',
  EISDIR: 'it is a folder',
};

/** INTERNAL_ERROR with the disk's words. */
export function cannotSave(file: string, error: unknown): DaemonError {
  return new DaemonError(
    'INTERNAL_ERROR',
    `Cannot save ${basename(file)}: ${diskWords(error)}. Nothing was changed.`,
  );
}

/** "no space left on device (ENOSPC)" */
export function diskWords(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (!code) return message;
  return `${WORDS[code] ?? message} (${code})`;
}
