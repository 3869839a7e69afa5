import fs, { type Stats } from 'node:fs';

const MAX_TRIES = 20;

/**
 * Tells one log file from another whatever its name is by now: `<inode>.<time of birth>`. The time of birth
 * is there because file systems give the inode of a deleted file to the next one.
 */
export type FileKey = string;

/** An open file of a log: the current one, or one that was rotated away. */
export interface Generation {
  fd: number;
  key: FileKey;
  /** 0 for the current file, N for `<file>.N`. */
  index: number;
  size: number;
  mtimeMs: number;
  birthtimeMs: number;
}

/**
 * All files of a log, newest first, opened; the caller closes them. If the log was rotated meanwhile it looks
 * again: after two rotations a newer file may stand behind an older one.
 *
 * Opening is synchronous: it costs microseconds, and leaves rotation little room in between.
 */
export function openGenerations(file: string): Generation[] {
  for (let tries = 1; ; tries++) {
    const generations = openAll(file);
    if (tries === MAX_TRIES || isStillCurrent(file, generations)) return generations;
    keepOnly(generations, null);
  }
}

/** The file of that key under whichever name it has now, opened; null if it is gone. */
export function openByKey(file: string, key: FileKey): Generation | null {
  const generations = openGenerations(file);
  return keepOnly(generations, generations.find((generation) => isSameFile(generation.key, key)) ?? null);
}

export function openOldest(file: string): Generation | null {
  const generations = openGenerations(file);
  return keepOnly(generations, generations.at(-1) ?? null);
}

/**
 * The file that was written after `last`, opened; null if there is none yet. When `last` itself is gone it
 * is the oldest that is newer, and `gap` says that files in between may have been lost.
 */
export function openNext(file: string, last: Generation): { next: Generation; gap: boolean } | null {
  const generations = openGenerations(file);
  const at = generations.findIndex(({ key }) => isSameFile(key, last.key));
  const found =
    at < 0 ? generations.findLast((generation) => isNewer(generation, last)) : generations[at - 1];
  const next = keepOnly(generations, found ?? null);
  return next && { next, gap: at < 0 && next.index > 0 };
}

/** Where the system knows no time of birth, Node shows the time of the last change instead of it. */
let hasBirthtimes = false;

export function fileKey({ ino, birthtimeMs, ctimeMs }: Stats): FileKey {
  hasBirthtimes ||= birthtimeMs > 0 && birthtimeMs !== ctimeMs;
  return hasBirthtimes ? `${ino}.${Math.floor(birthtimeMs).toString(36)}` : `${ino}`;
}

export function isSameFile(a: FileKey, b: FileKey): boolean {
  if (a === b) return true;
  const [inodeA, birthA] = a.split('.');
  const [inodeB, birthB] = b.split('.');
  return inodeA === inodeB && (birthA === undefined || birthB === undefined);
}

/**
 * Rotation moves a file only to higher numbers, so that looking at them in rising order can meet one twice
 * (the second is dropped) but never miss one. One missing number is the moment in the middle of a rotation;
 * two end the search.
 */
function openAll(file: string): Generation[] {
  const generations: Generation[] = [];
  for (let index = 0, missing = 0; missing < 2; index++) {
    const generation = openGeneration(index === 0 ? file : `${file}.${index}`, index);
    missing = generation ? 0 : missing + 1;
    if (!generation) continue;
    if (generations.some(({ key }) => isSameFile(key, generation.key))) fs.closeSync(generation.fd);
    else generations.push(generation);
  }
  return generations;
}

function isStillCurrent(file: string, [newest]: Generation[]): boolean {
  const now = fs.statSync(file, { throwIfNoEntry: false });
  if (newest?.index !== 0) return now === undefined;
  return now !== undefined && isSameFile(fileKey(now), newest.key);
}

function openGeneration(path: string, index: number): Generation | null {
  try {
    const fd = fs.openSync(path, 'r');
    const stats = fs.fstatSync(fd);
    const { size, mtimeMs, birthtimeMs } = stats;
    return { fd, key: fileKey(stats), index, size, mtimeMs, birthtimeMs };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function keepOnly(generations: Generation[], kept: Generation | null): Generation | null {
  for (const generation of generations) if (generation !== kept) fs.closeSync(generation.fd);
  return kept;
}

function isNewer(generation: Generation, than: Generation): boolean {
  if (generation.index === 0) return true;
  return generation.birthtimeMs > than.birthtimeMs && generation.mtimeMs >= than.mtimeMs;
}
