import { stat } from 'node:fs/promises';
import { diagnosisOf, type Diagnosis } from './diagnosis';
import type { RunUser } from './run-facts';
import { folderThatBlocks, mayExecute } from './user-access';

/** Why the user can't work in the directory; null if it can, or if that can't be told. */
export async function checkDirectory(directory: string, user: RunUser): Promise<Diagnosis | null> {
  try {
    if (!(await stat(directory)).isDirectory()) return missing(directory, 'not_a_directory');
  } catch (error) {
    switch ((error as NodeJS.ErrnoException).code) {
      case 'ENOENT':
        return missing(directory, 'missing');
      case 'ENOTDIR':
        return missing(directory, 'not_a_directory');
      case 'EACCES':
        // The service itself may not look. Only if the program runs as the same user is that the answer.
        return user.uid === process.getuid?.() ? notAccessible(directory, user) : null;
      default:
        return null;
    }
  }
  return (await mayExecute(user, directory)) ? null : notAccessible(directory, user);
}

function missing(directory: string, why: 'missing' | 'not_a_directory'): Diagnosis {
  return diagnosisOf({ cause: 'directory_missing', directory, why });
}

async function notAccessible(directory: string, user: RunUser): Promise<Diagnosis> {
  const blocked_by = await folderThatBlocks(user, directory);
  return diagnosisOf({ cause: 'directory_not_accessible', directory, user: user.name, blocked_by });
}
