import { DELIVERY_POLICY, retryAfterMs, retryDelayMs } from './delivery-policy';
import type { TryResult } from './webhook-sender';

const NOW = Date.parse('2026-01-01T00:00:00Z');

const result = (of: Partial<TryResult>): TryResult => ({
  time: '',
  status: null,
  error: 'failed',
  duration_ms: 1,
  delivered: false,
  refused: false,
  retryAfterMs: null,
  ...of,
});

describe('The retries of a webhook', () => {
  it.each([null, 408, 429, 500, 502, 599])('are worth it after the status %p', (status) => {
    expect(retryDelayMs(result({ status }), 1, DELIVERY_POLICY)).not.toBeNull();
  });

  it.each([300, 302, 400, 401, 404, 410, 422])('are not worth it after the status %p', (status) => {
    expect(retryDelayMs(result({ status }), 1, DELIVERY_POLICY)).toBeNull();
  });

  it('are not worth it at an address that is refused, nor after success', () => {
    expect(retryDelayMs(result({ refused: true }), 1, DELIVERY_POLICY)).toBeNull();
    expect(retryDelayMs(result({ status: 204, delivered: true }), 1, DELIVERY_POLICY)).toBeNull();
  });

  it('come later each time, and not all at the same moment', () => {
    for (const [tries, longest] of [
      [1, 1_000],
      [2, 2_000],
      [3, 4_000],
      [5, 16_000],
      [9, 60_000],
    ] as const) {
      const delays = Array.from({ length: 50 }, () => retryDelayMs(result({}), tries, DELIVERY_POLICY)!);
      expect(Math.max(...delays)).toBeLessThanOrEqual(longest);
      expect(Math.min(...delays)).toBeGreaterThanOrEqual(longest / 2);
      expect(new Set(delays).size).toBeGreaterThan(1);
    }
  });

  it('come when the receiver asks for them, within a minute', () => {
    expect(retryDelayMs(result({ status: 503, retryAfterMs: 7_000 }), 1, DELIVERY_POLICY)).toBe(7_000);
    expect(retryDelayMs(result({ status: 429, retryAfterMs: 3_600_000 }), 1, DELIVERY_POLICY)).toBe(60_000);
    expect(retryDelayMs(result({ status: 429, retryAfterMs: 0 }), 1, DELIVERY_POLICY)).toBe(0);
  });

  it.each([
    ['120', 120_000],
    ['0', 0],
    ['Thu, 01 Jan 2026 00:00:30 GMT', 30_000],
    ['Thu, 01 Jan 2015 00:00:00 GMT', 0],
    ['soon', null],
    [undefined, null],
  ])('understand the Retry-After %p', (header, ms) => {
    expect(retryAfterMs(header, NOW)).toBe(ms);
  });
});
