import { readFileSync } from 'node:fs';

/**
 * Names a process beyond the reuse of its pid: `<pid>-<start time in clock ticks>`; null when there is no
 * such process, or only its zombie.
 */
export function processIdentity(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold blanks and parentheses; the fields after it start with the state.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? null : `${pid}-${fields[19]}`;
  } catch {
    return null;
  }
}
