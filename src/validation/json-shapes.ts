import { ContentError } from './content-error';

export function isJsonObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @throws ContentError when it is not a list */
export function listOf(json: unknown, nouns: string): unknown[] {
  if (Array.isArray(json)) return json;
  throw new ContentError(`the file must hold a list of ${nouns}, in [ ]`);
}
