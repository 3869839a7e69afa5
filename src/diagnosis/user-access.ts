import { execFile } from 'node:child_process';
import { access, constants, realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Stats } from 'node:fs';
import type { RunUser } from './run-facts';

const ASK_MS = 2000;

/** The user may go through the folder, or execute the file. False only if that is certain. */
export async function mayExecute(user: RunUser, path: string): Promise<boolean> {
  if (user.uid === process.getuid?.()) return isAccessible(path);
  if (process.getuid?.() !== 0) return true;
  // Mode bits are quick to read, but an access control list may allow more: then the kernel is asked.
  return (await folderThatBlocks(user, path)) === null || (await kernelAllows(user, path));
}

/**
 * The first part of the path, from the root down to itself, whose mode does not let the user through;
 * null if none does, or if that can't be told.
 */
export async function folderThatBlocks(user: RunUser, path: string): Promise<string | null> {
  if (user.uid === 0) return null;
  try {
    const parts = partsOf(await realpath(path));
    for (const part of parts) if (!hasExecuteBit(await stat(part), user)) return part;
  } catch {
    // It vanished, or this service may not look.
  }
  return null;
}

function isAccessible(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== 'EACCES',
  );
}

function partsOf(path: string): string[] {
  return path === '/' ? ['/'] : [...partsOf(dirname(path)), path];
}

function hasExecuteBit(stats: Stats, user: RunUser): boolean {
  if (stats.uid === user.uid) return (stats.mode & 0o100) !== 0;
  if (stats.gid === user.gid || user.groups.includes(stats.gid)) return (stats.mode & 0o010) !== 0;
  return (stats.mode & 0o001) !== 0;
}

/** Node can't change the supplementary groups of a child, hence setpriv. Without it there is no certainty. */
function kernelAllows(user: RunUser, path: string): Promise<boolean> {
  const groups = user.groups.length > 0 ? [`--groups=${user.groups.join(',')}`] : ['--clear-groups'];
  const identity = [`--reuid=${user.uid}`, `--regid=${user.gid}`, ...groups];
  const question = ['/bin/sh', '-c', 'test -x "$1" && echo yes || echo no', 'sh', path];
  const options = { cwd: '/', env: { PATH: '/usr/bin:/bin' }, timeout: ASK_MS };
  return new Promise((resolve) => {
    execFile('setpriv', [...identity, ...question], options, (_error, answer) =>
      resolve(answer.trim() !== 'no'),
    );
  });
}
