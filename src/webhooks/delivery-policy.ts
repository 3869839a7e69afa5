import type { TryResult } from './webhook-sender';

/** Bounds of the delivery. Durations in milliseconds. */
export interface DeliveryPolicy {
  /** Waiting events per program and URL, and overall. */
  queue: number;
  queueOverall: number;
  /** Requests at a time. */
  concurrency: number;
  /** Before the first retry; doubles with each. */
  backoffMs: number;
  maxDelayMs: number;
  /** What is under way when the service stops has this long to end. */
  shutdownMs: number;
}

export const DELIVERY_POLICY: DeliveryPolicy = {
  // A program of 1,000 instances may change them all at once.
  queue: 1_000,
  queueOverall: 5_000,
  concurrency: 16,
  backoffMs: 1_000,
  maxDelayMs: 60_000,
  shutdownMs: 2_000,
};

/** How long to wait before the next try, or null when another try is not worth it. `tries` so far: 1 or more. */
export function retryDelayMs(result: TryResult, tries: number, policy: DeliveryPolicy): number | null {
  if (!isWorthRetrying(result)) return null;
  if (result.retryAfterMs !== null) return Math.min(result.retryAfterMs, policy.maxDelayMs);
  const backoff = policy.backoffMs * 2 ** (tries - 1);
  // Many receivers that failed together are not to be tried again together.
  return Math.min(backoff, policy.maxDelayMs) * (0.5 + Math.random() / 2);
}

function isWorthRetrying({ status, delivered, refused }: TryResult): boolean {
  if (delivered || refused) return false;
  return status === null || status === 408 || status === 429 || status >= 500;
}

/** `Retry-After` in seconds or as a date. */
export function retryAfterMs(header: string | undefined, now: number): number | null {
  if (header === undefined) return null;
  if (/^\d+$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}
