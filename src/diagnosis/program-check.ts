import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { diagnosisOf, type Diagnosis } from './diagnosis';
import { interpreterOf } from './interpreter';
import { directoryOf, searchPathOf, type RunFacts } from './run-facts';
import { folderThatBlocks, mayExecute } from './user-access';

/** Something is there, but it can't be told what. */
const UNKNOWN = Symbol('unknown');

/** Why the program named in a command can't be executed; null if it can, or if that can't be told. */
export async function checkProgram(word: string, run: RunFacts): Promise<Diagnosis | null> {
  let problem: Diagnosis | null = null;
  for (const file of candidatesFor(word, run)) {
    const found = await checkFile(file, word.includes('/'), run);
    if (found === null || found === UNKNOWN) return null;
    if (found !== 'absent') problem ??= found;
  }
  return problem ?? notFound(word, run);
}

/** The files that the shell tries, in its order. An empty part of the PATH is the working directory. */
function candidatesFor(word: string, run: RunFacts): string[] {
  if (word.includes('/')) return [resolve(directoryOf(run), word)];
  return searchPathOf(run)
    .split(':')
    .map((folder) => resolve(directoryOf(run), folder, word));
}

function notFound(word: string, run: RunFacts): Diagnosis {
  const searched = word.includes('/') ? null : searchPathOf(run);
  return diagnosisOf({ cause: 'command_not_found', command: word, searched });
}

async function checkFile(
  path: string,
  isNamed: boolean,
  run: RunFacts,
): Promise<Diagnosis | 'absent' | typeof UNKNOWN | null> {
  try {
    const stats = await stat(path);
    // The search on the PATH passes over folders.
    if (stats.isDirectory()) {
      return isNamed
        ? diagnosisOf({ cause: 'not_executable', path, why: 'directory', mode: null })
        : 'absent';
    }
    if (!stats.isFile()) return UNKNOWN;
    if ((stats.mode & 0o111) === 0) {
      const mode = (stats.mode & 0o7777).toString(8).padStart(4, '0');
      return diagnosisOf({ cause: 'not_executable', path, why: 'mode', mode });
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' || code === 'ENOTDIR' ? 'absent' : UNKNOWN;
  }
  if (!(await mayExecute(run.user, path))) {
    const blocked_by = await folderThatBlocks(run.user, path);
    return diagnosisOf({
      cause: 'permission_denied',
      what: 'execute',
      path,
      user: run.user.name,
      blocked_by,
    });
  }
  return checkInterpreter(path, run);
}

async function checkInterpreter(path: string, run: RunFacts): Promise<Diagnosis | null> {
  const needed = await interpreterOf(path);
  if (needed === null) return null;
  const interpreter = resolve(directoryOf(run), needed.path);
  try {
    await stat(interpreter);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ENOTDIR') return null;
    return badInterpreter(path, needed.path, 'missing', null);
  }
  if (!(await mayExecute(run.user, interpreter))) return badInterpreter(path, needed.path, 'denied', null);
  if (needed.lookedUp === null || needed.lookedUp.includes('/')) return null;
  const lookedUp = await checkProgram(needed.lookedUp, run);
  return lookedUp?.cause === 'command_not_found'
    ? badInterpreter(path, needed.lookedUp, 'missing', searchPathOf(run))
    : null;
}

function badInterpreter(
  path: string,
  interpreter: string,
  why: 'missing' | 'denied',
  searched: string | null,
): Diagnosis {
  return diagnosisOf({ cause: 'bad_interpreter', path, interpreter, why, searched });
}
