import { existsSync } from 'node:fs';
import { readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { writeFileAtomically } from './atomic-file';
import { cannotSave } from './disk-error';
import type { StatePaths } from './state-paths';

const KEPT_BACKUPS = 20;
const BACKUP_NAME = /^programs\.backup-[0-9TZ-]+\.json$/;

/** Newest first: the times in the names sort as text. */
export async function listBackups(paths: StatePaths): Promise<string[]> {
  return (await readdir(paths.root)).filter(isBackupName).sort().reverse();
}

/** The path of a backup of this name; null for what can't be one, above all paths to elsewhere. */
export function backupPath(paths: StatePaths, name: string): string | null {
  return isBackupName(name) ? join(paths.root, name) : null;
}

export interface Backup {
  name: string;
  /** Everything as before; for when what should have come next failed. */
  undo(): Promise<void>;
}

/**
 * Keeps programs.json as it is now. @returns null when there is no programs.json
 * @throws DaemonError INTERNAL_ERROR
 */
export async function backUpPrograms(paths: StatePaths): Promise<Backup | null> {
  if (!existsSync(paths.programs)) return null;
  const path = freeBackupPath(paths);
  // What can't be read (a folder, a bad sector) can still be moved out of the way.
  const content = await readFile(paths.programs).catch(() => null);
  try {
    if (content) await writeFileAtomically(path, content);
    else await rename(paths.programs, path);
  } catch (error) {
    throw cannotSave(path, error);
  }
  return { name: basename(path), undo: () => (content ? rm(path) : rename(path, paths.programs)) };
}

/** `justMade` stays, also when the clock was set back and it looks like the oldest. */
export async function dropOldBackups(paths: StatePaths, justMade: string | null): Promise<void> {
  const others = (await listBackups(paths)).filter((name) => name !== justMade);
  const old = others.slice(KEPT_BACKUPS - (justMade === null ? 0 : 1));
  await Promise.all(old.map((name) => rm(join(paths.root, name), { force: true, recursive: true })));
}

export function timeForFileName(date: Date): string {
  return date.toISOString().replace(/[:.]/g, '-');
}

function isBackupName(name: string): boolean {
  return BACKUP_NAME.test(name);
}

function freeBackupPath(paths: StatePaths): string {
  let time = Date.now();
  while (existsSync(paths.backup(timeForFileName(new Date(time))))) time++;
  return paths.backup(timeForFileName(new Date(time)));
}
