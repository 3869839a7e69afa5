import type { Diagnosis } from './diagnosis';
import { checkDirectory } from './directory-check';
import { firstPlainWord } from './plain-command';
import { checkProgram } from './program-check';
import { directoryOf, type RunFacts } from './run-facts';

/**
 * Why a start is bound to fail; null if nothing speaks against it, or if that can't be told for certain. Whether a
 * busy port is an obstacle only the program knows (another address, a shared port), and its own words are worth
 * having: that is found out when it has failed.
 */
export async function preflight(run: RunFacts): Promise<Diagnosis | null> {
  return (await checkDirectory(directoryOf(run), run.user)) ?? (await checkCommand(run));
}

/** Why the program of a simple command can't be executed. */
export async function checkCommand(run: RunFacts): Promise<Diagnosis | null> {
  const word = firstPlainWord(run.command);
  return word === null ? null : checkProgram(word, run);
}
