import { createHash } from 'node:crypto';

/** Same method, same path with its query, same body: the same request. The order of keys does not matter. */
export function fingerprintOf(request: { method: string; url: string; body: unknown }): string {
  return sha256([request.method, request.url, canonicalJson(request.body ?? null)]);
}

/** Keys of different callers have nothing to do with each other. */
export function scopeOf(caller: string, key: string): string {
  return sha256([caller, key]);
}

function sha256(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}

function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => (isObject(inner) ? withSortedKeys(inner) : inner));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function withSortedKeys(object: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));
}
