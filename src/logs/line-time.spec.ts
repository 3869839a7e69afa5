import { lineTime } from './line-time';

const NOW = new Date(2025, 5, 1).getTime();

describe('lineTime', () => {
  it.each([
    ['2025-01-15T10:30:00Z started', '2025-01-15T10:30:00.000Z'],
    ['2025-01-15T10:30:00.123456Z started', '2025-01-15T10:30:00.123Z'],
    ['2025-01-15 10:30:00,5 +0100 INFO', '2025-01-15T09:30:00.500Z'],
    ['[2025-01-15T10:30:00+01:00] INFO', '2025-01-15T09:30:00.000Z'],
    ['\u001b[32m2025-01-15T10:30Z', '2025-01-15T10:30:00.000Z'],
  ])('reads the time of %p', (line, expected) => {
    expect(new Date(lineTime(line, NOW) ?? NaN).toISOString()).toBe(expected);
  });

  it('takes a time without a zone for local time', () => {
    expect(lineTime('2025/01/15 10:30:00 [error]', NOW)).toBe(new Date(2025, 0, 15, 10, 30).getTime());
    expect(lineTime('Jan 15 10:30:00 host web:', NOW)).toBe(new Date(2025, 0, 15, 10, 30).getTime());
  });

  it('takes a date without a year for the past', () => {
    expect(lineTime('Dec 24 18:00:00 host web:', NOW)).toBe(new Date(2024, 11, 24, 18).getTime());
  });

  it.each([
    '    at Object.<anonymous>',
    '',
    'job 2025-01-15T10:30:00Z done',
    '2025-13-45T10:30:00Z',
    'Foo 15 10:30:00',
  ])('finds none in %p', (line) => expect(lineTime(line, NOW)).toBeNull());
});
