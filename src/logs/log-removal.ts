import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Deletes the log files of an owner, of one port (0: without port) or of all. The folder stays. */
export async function removeLogFiles(folder: string, owner: string, port?: number): Promise<void> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const isOurs = ownedBy(owner, port);
  await Promise.all(names.filter(isOurs).map((name) => rm(join(folder, name), { force: true })));
}

function ownedBy(owner: string, port?: number): (name: string) => boolean {
  return (name) => {
    const match = /^([a-z0-9-]+)(?:\.(\d+))?\.(?:stdout|stderr)\.log(?:\.\d+)?$/.exec(name);
    return match?.[1] === owner && (port === undefined || port === Number(match[2] ?? 0));
  };
}
