import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { StateDirectoryError } from './state-directory-error';
import type { StatePaths } from './state-paths';

/** Held until `release`, or until the process is gone, however it went. */
export interface StateLock {
  release(): void;
}

/**
 * Makes this process the folder's only service.
 *
 * The lock is flock(2) on the folder itself: the kernel drops it when the last descriptor is closed, so that
 * a kill -9 leaves no stale lock; it holds between containers that share the folder, which an abstract socket
 * (bound to a network namespace) and a pid file (bound to a pid namespace) do not; and no lock file can be
 * deleted under it. Node has no flock, but the lock belongs to the open file, not to the process: a helper
 * that inherits the descriptor takes it and ends, and we keep the descriptor open (close-on-exec, so that
 * supervisord does not inherit it).
 *
 * @throws StateDirectoryError when another process holds it
 */
export async function lockStateDirectory(paths: StatePaths): Promise<StateLock> {
  const descriptor = openSync(paths.root, 'r');
  try {
    if (!(await takeLock(descriptor, paths.root))) throw await heldByAnother(paths);
    // For the message of a second service, nothing else: the file itself locks nothing.
    await writeFile(paths.lock, `${process.pid}\n`, { mode: 0o600 }).catch(() => undefined);
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
  return { release: closeOnce(descriptor) };
}

const HELPERS: readonly [command: string, ...args: string[]][] = [
  ['flock', '-n', '3'],
  // Where util-linux is missing; supervisord needs Python anyway.
  [
    'python3',
    '-Ic',
    'import fcntl, sys\ntry: fcntl.flock(3, fcntl.LOCK_EX | fcntl.LOCK_NB)\nexcept BlockingIOError: sys.exit(1)',
  ],
];

/** @returns false when somebody else has it */
async function takeLock(descriptor: number, folder: string): Promise<boolean> {
  for (const [command, ...args] of HELPERS) {
    const result = await run(command, args, descriptor);
    if (result === null) continue;
    if (result.status === 0) return true;
    // Both say nothing when the lock is taken, and something when it can't be had at all.
    if (result.status === 1 && result.stderr === '') return false;
    throw new StateDirectoryError(
      `Cannot lock ${folder}: ${result.stderr.trim().split('\n').at(-1) || `${command} ended with ${result.status}`}. ` +
        'Set DAEMON_STATE_DIR to a folder on a local file system.',
    );
  }
  throw new StateDirectoryError(
    `Cannot lock ${folder}: neither flock (util-linux) nor python3 is on the PATH.`,
  );
}

/** null: there is no such command. */
async function run(
  command: string,
  args: readonly string[],
  descriptor: number,
): Promise<{ status: number | null; stderr: string } | null> {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe', descriptor] });
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  try {
    const [status] = (await once(child, 'close')) as [number | null];
    return { status, stderr };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

async function heldByAnother(paths: StatePaths): Promise<StateDirectoryError> {
  const pid = Number(await readFile(paths.lock, 'utf8').catch(() => ''));
  return new StateDirectoryError(
    `Another hoody-daemon${isAlive(pid) ? ` (pid ${pid})` : ''} already uses ${paths.root}. ` +
      'Stop it, or set DAEMON_STATE_DIR to another folder.',
  );
}

/** The holder's pid means nothing here when it lives in another container. */
function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function closeOnce(descriptor: number): () => void {
  let open = true;
  return () => {
    if (open) closeSync(descriptor);
    open = false;
  };
}
