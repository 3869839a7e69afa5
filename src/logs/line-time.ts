const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const DAY_MS = 86_400_000;

/** Colours, brackets and quotes may come before it. */
const OPENING = String.raw`^(?:\x1b\[[\d;]*m)*[\s[("]{0,2}`;
const ISO = new RegExp(
  OPENING +
    String.raw`(\d{4})[-/](\d\d)[-/](\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(?: ?(Z|[+-]\d\d:?\d\d))?`,
);
const SYSLOG = new RegExp(OPENING + String.raw`([A-Z][a-z]{2}) {1,2}(\d{1,2}) (\d\d):(\d\d):(\d\d)`);
const LONGEST = 64;

/**
 * The time that a log line begins with, in milliseconds since 1970; null if it begins with none. Understood
 * are ISO 8601 (`2025-01-15T10:30:00.123Z`, also with a space, slashes, a decimal comma, in brackets) and
 * syslog (`Jan 15 10:30:00`, of the last twelve months before `now`). Without a zone it is local time.
 */
export function lineTime(line: string, now = Date.now()): number | null {
  const head = line.slice(0, LONGEST);
  return isoTime(head) ?? syslogTime(head, now);
}

function isoTime(head: string): number | null {
  const match = ISO.exec(head);
  if (!match) return null;
  const [, year, month, day, hour, minute, second = '00', fraction = '0', zone] = match;
  const clock = `${year}-${month}-${day}T${hour}:${minute}:${second}.${fraction.slice(0, 3).padEnd(3, '0')}`;
  const time = Date.parse(clock + (zone === undefined ? '' : withColon(zone)));
  return Number.isNaN(time) ? null : time;
}

function withColon(zone: string): string {
  return /^[+-]\d{4}$/.test(zone) ? `${zone.slice(0, 3)}:${zone.slice(3)}` : zone;
}

function syslogTime(head: string, now: number): number | null {
  const match = SYSLOG.exec(head);
  const month = MONTHS.indexOf(match?.[1] ?? '');
  if (!match || month < 0) return null;
  const inYear = (year: number) =>
    new Date(year, month, Number(match[2]), Number(match[3]), Number(match[4]), Number(match[5])).getTime();
  const year = new Date(now).getFullYear();
  const time = inYear(year);
  return time > now + DAY_MS ? inYear(year - 1) : time;
}
