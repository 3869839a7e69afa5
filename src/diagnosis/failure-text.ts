import { shellFailure } from './shell-failure';

/** What the last words of a program say about its end. */
export type TextFinding =
  | { kind: 'exec_failed'; file: string; error: ExecError }
  | { kind: 'cd_failed'; directory: string; isDenied: boolean }
  | { kind: 'port_in_use' }
  | { kind: 'listen_denied'; port: number }
  | { kind: 'open_denied'; path: string }
  | { kind: 'out_of_memory'; detail: string }
  | { kind: 'too_many_open_files' }
  | { kind: 'argument_list_too_long' };

export type ExecError = 'missing' | 'denied' | 'directory' | 'format';

interface TextRule {
  pattern: RegExp;
  /** A line that matches this too means something else. */
  unless?: RegExp;
  finding: (match: RegExpExecArray) => TextFinding;
}

/** Longer lines are cut, so that hostile output costs no more than a glance. */
const LINE_LENGTH = 2000;

const OUT_OF_MEMORY: readonly RegExp[] = [
  // Without the line that says so where the stack trace after it fills the last lines.
  /JavaScript heap out of memory|node::OOMErrorHandler/,
  /java\.lang\.OutOfMemoryError(?:: [\w ]{1,60})?/,
  /^(?:MemoryError|NoMemoryError)\b/,
  /^fatal error: (?:runtime: )?(?:out of memory|cannot allocate memory)/,
  /memory allocation of \d{1,20} bytes failed/,
  /std::bad_alloc/,
  /Allowed memory size of \d{1,20} bytes exhausted/,
  /Cannot allocate memory|\bENOMEM\b/,
  /^(?:[\w./-]{1,100}: )?Out of memory\b/i,
];

/** The first rule that any line fits tells the cause. Of each program the words are those it really prints. */
const RULES: readonly TextRule[] = [
  {
    // node, python, go, java, nginx, apache, ruby, rust, php, redis, gunicorn, django, vite, erlang …
    pattern:
      /EADDRINUSE|AddrInUse|address (?:is )?already in use|failed \(98: |could not bind to address|cannot bind socket|port \d{1,5} (?:is|was) (?:already )?in use|Connection in use: \(|port is already in use/i,
    unless: /permission denied|cannot assign requested|trying/i,
    finding: () => ({ kind: 'port_in_use' }),
  },
  {
    pattern: /listen EACCES: permission denied \S{0,100}?:(\d{1,5})$/,
    finding: (match) => ({ kind: 'listen_denied', port: Number(match[1]) }),
  },
  {
    pattern: /bind\(\) to \S{0,100}?:(\d{1,5}) failed \(13: /,
    finding: (match) => ({ kind: 'listen_denied', port: Number(match[1]) }),
  },
  {
    pattern: /listen tcp\d? \S{0,100}?:(\d{1,5}): bind: permission denied/,
    finding: (match) => ({ kind: 'listen_denied', port: Number(match[1]) }),
  },
  {
    pattern: /\(13\)Permission denied: \w{0,20}: make_sock: could not bind to address \S{0,100}:(\d{1,5})$/,
    finding: (match) => ({ kind: 'listen_denied', port: Number(match[1]) }),
  },
  {
    pattern: /too many open files|\bE[MN]FILE\b/i,
    finding: () => ({ kind: 'too_many_open_files' }),
  },
  {
    pattern: /argument list too long|\bE2BIG\b/i,
    finding: () => ({ kind: 'argument_list_too_long' }),
  },
  ...OUT_OF_MEMORY.map((pattern): TextRule => ({
    pattern,
    finding: (match) => ({ kind: 'out_of_memory', detail: match[0] }),
  })),
  {
    pattern: /(?:EACCES: permission denied, \w{1,20}|\[Errno 13\] Permission denied:) '([^']{1,1000})'/,
    finding: (match) => ({ kind: 'open_denied', path: match[1]! }),
  },
  {
    pattern: /\b(?:cannot create|cannot open|open) (\/[^:]{1,1000}): permission denied$/i,
    finding: (match) => ({ kind: 'open_denied', path: match[1]! }),
  },
];

/** Exit statuses by which a shell, and env and its like, say that a command could not be executed. */
const NOT_EXECUTED = [126, 127];

/** Looks at the last lines first: they tell the end, those before may tell of something that was survived. */
export function readFailure(lines: readonly string[], exitStatus: number | null): TextFinding | null {
  const fromTheEnd = cutLines(lines).reverse();
  if (exitStatus !== null && NOT_EXECUTED.includes(exitStatus)) {
    for (const line of fromTheEnd) {
      const failure = shellFailure(line);
      if (failure) return failure;
    }
  }
  for (const rule of RULES) {
    for (const line of fromTheEnd) {
      const match = rule.pattern.exec(line);
      if (match && !rule.unless?.test(line)) return rule.finding(match);
    }
  }
  return null;
}

/** Only that the program ran out of memory: what matters where it was a signal that ended it. */
export function readMemoryFailure(lines: readonly string[]): string | null {
  const finding = readFailure(lines, null);
  return finding?.kind === 'out_of_memory' ? finding.detail : null;
}

export function cutLines(lines: readonly string[]): string[] {
  return lines.map((line) => line.slice(0, LINE_LENGTH).trimEnd());
}
