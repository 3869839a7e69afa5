import { open, readdir, realpath, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

let count = 0;

export interface AtomicFileOptions {
  /** Default 0600. The file never has another mode, nor an instant with another owner and this mode's rights. */
  mode?: number;
  /** Default: the service's own user. */
  owner?: { uid: number; gid: number };
  /** false: need not survive a power cut, because it can be made again. */
  isDurable?: boolean;
}

/**
 * Replaces a file as a whole: whoever reads it, and whatever crashes meanwhile, it holds the old
 * content or the new one. Resolves when the new one would survive a power cut; rejects with the old one in place.
 *
 * Not the library write-file-atomic: when a disk is about to be full, the kernel takes a part of a write without
 * an error, and 5.0.1 then puts the cut file in place. FileHandle.writeFile goes on until ENOSPC says no.
 */
export async function writeFileAtomically(
  path: string,
  content: string | Buffer,
  { mode = 0o600, owner, isDurable = true }: AtomicFileOptions = {},
): Promise<void> {
  const target = await realpath(path).catch(() => path);
  const temporary = `${target}.${process.pid}-${++count}.tmp`;
  try {
    await writeWhole(temporary, content, { mode, owner, isDurable });
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
  if (isDurable) await syncFolder(dirname(target));
}

/** Removes what a crash in the middle of writeFileAtomically left behind. Only for the folder's one owner. */
export async function removeTemporaryFiles(folder: string): Promise<void> {
  const leftovers = (await readdir(folder)).filter((name) => /\.json\.\d+-\d+\.tmp$/.test(name));
  await Promise.all(leftovers.map((name) => rm(join(folder, name), { force: true })));
}

/** Makes renames and removals in it durable. */
export async function syncFolder(folder: string): Promise<void> {
  // The rename counts already; not every file system can do this, and there is nothing to undo.
  const handle = await open(folder, 'r').catch(() => null);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}

async function writeWhole(
  path: string,
  content: string | Buffer,
  { mode, owner, isDurable }: AtomicFileOptions,
): Promise<void> {
  const handle = await open(path, 'wx', mode);
  try {
    if (owner) await handle.chown(owner.uid, owner.gid);
    await handle.chmod(mode!);
    await handle.writeFile(content);
    if (isDurable) await handle.sync();
  } finally {
    await handle.close();
  }
}
