import type { FieldProblem } from '../domain/errors';

/** What makes the content of a configuration file unusable: the first field at fault. */
export class ContentError extends Error {
  constructor(
    message: string,
    /** Its path, e.g. `[2].start_seconds`; null when the file as a whole is at fault. */
    readonly field: string | null = null,
  ) {
    super(message);
    this.name = 'ContentError';
  }
}

/** `{field: "name", message: "name is required"}` in entry 2 -> `[2].name is required`. */
export function entryError(entry: string, { field, message }: FieldProblem): ContentError {
  const path = `${entry}.${field}`;
  const places = message.startsWith(field) ? path + message.slice(field.length) : `${path}: ${message}`;
  return new ContentError(places, path);
}
