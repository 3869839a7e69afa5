/*
 * class-transformer and class-validator work on plain objects as maps: they skip or stumble over keys like
 * "constructor", "__proto__" or "hasOwnProperty". Such keys are legal JSON (and legal names of environment
 * variables), so they go through the libraries under another name, one that no valid key has.
 */
const ESCAPE = '\0';

/** Recurses; whoever calls it has made sure that the value is not nested for ever. */
export function escapeKeys(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(escapeKeys);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [escaped(key), escapeKeys(item)]));
}

export function isDeeperThan(levels: number, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((item) => isDeeperThan(levels - 1, item));
}

/** Of one map, not of what is in it. */
export function unescapeKeys(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [unescapeKey(key), item]));
}

export function unescapeKey(key: string): string {
  return key.startsWith(ESCAPE) && isInherited(key.slice(1)) ? key.slice(1) : key;
}

function escaped(key: string): string {
  return isInherited(key) ? ESCAPE + key : key;
}

function isInherited(key: string): boolean {
  return key in Object.prototype;
}
