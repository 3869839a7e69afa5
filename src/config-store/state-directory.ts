import type { Stats } from 'node:fs';
import { chmod, lstat, mkdir, stat } from 'node:fs/promises';
import { dirname, relative, sep } from 'node:path';
import { diskWords } from './disk-error';
import { StateDirectoryError } from './state-directory-error';
import type { StatePaths } from './state-paths';

const PRIVATE = 0o700;
/** Others can pass through to a name they know (their launcher), but not list what is there. */
const PASSABLE = 0o711;
const ELSEWHERE = 'set DAEMON_STATE_DIR to another folder';

/**
 * Makes the folders of the state directory, with exact modes whatever the umask.
 * @returns warnings for the log. @throws StateDirectoryError
 */
export async function prepareStateDirectory(paths: StatePaths): Promise<string[]> {
  try {
    await makeParents(dirname(paths.root));
    await refuseForeignLink(paths.root);
    await makeFolder(paths.root, PASSABLE);
    for (const folder of [paths.logs, paths.supervisor, paths.groupFiles]) await makeFolder(folder, PRIVATE);
    await makeFolder(paths.launchers, PASSABLE);
    return await unreachableWarnings(paths.root);
  } catch (error) {
    if (error instanceof StateDirectoryError) throw error;
    throw new StateDirectoryError(
      `Cannot make the state directory ${paths.root}: ${diskWords(error)}. Or ${ELSEWHERE}.`,
    );
  }
}

/** A strict umask must not cut programs of other users off from their launchers. */
async function makeParents(parent: string): Promise<void> {
  const first = await mkdir(parent, { recursive: true });
  if (first === undefined) return;
  let folder = first;
  await chmod(folder, 0o755);
  for (const name of relative(first, parent).split(sep).filter(Boolean)) {
    folder += sep + name;
    await chmod(folder, 0o755);
  }
}

/** Who owns a link can lead us elsewhere at any time. */
async function refuseForeignLink(path: string): Promise<void> {
  const found = await lstat(path).catch(() => null);
  if (!found?.isSymbolicLink()) return;
  if (found.uid !== 0 && found.uid !== process.getuid?.())
    throw new StateDirectoryError(
      `${path} is a symbolic link of another user (uid ${found.uid}). Remove it, or ${ELSEWHERE}.`,
    );
  if (!(await stat(path).catch(() => null)))
    throw new StateDirectoryError(
      `${path} is a symbolic link that leads nowhere. Remove it, or ${ELSEWHERE}.`,
    );
}

async function makeFolder(path: string, mode: number): Promise<void> {
  // Private first, so that no umask opens a gap until the chmod.
  await mkdir(path, { mode: PRIVATE }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  const found = await stat(path);
  refuseUnsafe(path, found);
  if ((found.mode & 0o7777) !== mode) await chmod(path, mode);
}

function refuseUnsafe(path: string, found: Stats): void {
  if (!found.isDirectory())
    throw new StateDirectoryError(`${path} is not a folder. Move it away, or ${ELSEWHERE}.`);
  const uid = process.getuid?.();
  if (found.uid !== uid)
    throw new StateDirectoryError(
      `${path} belongs to another user (uid ${found.uid}, the service runs as uid ${uid}). ` +
        `Run the service as its owner, or ${ELSEWHERE}.`,
    );
  if ((found.mode & 0o022) !== 0)
    throw new StateDirectoryError(
      `${path} can be written by other users (mode ${(found.mode & 0o7777).toString(8).padStart(4, '0')}). ` +
        `Run: chmod go-w ${path}; or ${ELSEWHERE}.`,
    );
}

/** Only root starts programs of other users, who must get to their launchers. */
async function unreachableWarnings(root: string): Promise<string[]> {
  if (process.getuid?.() !== 0) return [];
  for (let folder = dirname(root); ; folder = dirname(folder)) {
    const { mode } = await stat(folder);
    if ((mode & 0o001) === 0)
      return [
        `Other users cannot pass through ${folder}, so programs with a user other than root will not start. ` +
          `Run: chmod o+x ${folder}; or ${ELSEWHERE}.`,
      ];
    if (folder === dirname(folder)) return [];
  }
}
