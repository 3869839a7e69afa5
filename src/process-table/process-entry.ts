import { readProcText } from './proc-files';

/** What /proc/PID/stat says of a process. Times are in clock ticks, memory in pages (see kernel-units.ts). */
export interface ProcessEntry {
  pid: number;
  ppid: number;
  pgid: number;
  /** One letter: R, S, D, T, Z … */
  state: string;
  comm: string;
  /** When it began, in ticks since boot. With the pid this names a process for good: pids are used again. */
  startTicks: number;
  /** Time on the processor, its own. */
  cpuTicks: number;
  /** Time on the processor of those children that have ended and were waited for. */
  endedChildrenTicks: number;
  rssPages: number;
}

/** null if there is no such process. */
export function readProcess(pid: number): ProcessEntry | null {
  const text = readProcText(`/proc/${pid}/stat`);
  return text === null ? null : parseStat(text);
}

/** A zombie has ended, it only waits for its parent to notice. */
export function hasEnded(entry: ProcessEntry | null): boolean {
  return entry === null || entry.state === 'Z' || entry.state === 'X';
}

/** Field numbers as in proc_pid_stat(5), which counts from 1. */
export function parseStat(text: string): ProcessEntry | null {
  const nameStart = text.indexOf('(');
  // The name may itself hold blanks and parentheses; nothing after it does.
  const nameEnd = text.lastIndexOf(')');
  if (nameStart < 0 || nameEnd < nameStart) return null;
  const fields = text.slice(nameEnd + 2).split(' ');
  const field = (number: number): number => Number(fields[number - 3]);
  return {
    pid: Number.parseInt(text, 10),
    comm: text.slice(nameStart + 1, nameEnd),
    state: fields[0] ?? '',
    ppid: field(4),
    pgid: field(5),
    cpuTicks: field(14) + field(15),
    endedChildrenTicks: field(16) + field(17),
    startTicks: field(22),
    rssPages: field(24),
  };
}
