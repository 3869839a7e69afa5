import { invalidFields } from '../domain/errors';
import { MAX_ID_LENGTH, RESERVED_IDS, slugOf } from '../domain/slug';

/** The id of a new program. @throws DaemonError VALIDATION_ERROR when the name can't give one */
export function idOfName(name: string): string {
  const id = slugOf(name);
  const problem = idProblem(id);
  if (problem)
    throw invalidFields({ field: 'name', message: `name gives the id "${shortened(id)}", ${problem}` });
  return id;
}

/** What is wrong with an id, as the end of a sentence, or null. */
export function idProblem(id: string): string | null {
  if (id === '') return 'which is empty: it needs a letter or a digit';
  if (id.length > MAX_ID_LENGTH) return `which is longer than ${MAX_ID_LENGTH} characters`;
  if (RESERVED_IDS.includes(id)) return 'which is a path word of the API; choose another name';
  if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(id))
    return 'which is not made of a-z and 0-9 with single hyphens between';
  return null;
}

function shortened(id: string): string {
  return id.length > MAX_ID_LENGTH ? `${id.slice(0, MAX_ID_LENGTH)}…` : id;
}
