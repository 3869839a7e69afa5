/** The states that supervisord knows. */
export type SupervisorState =
  'STOPPED' | 'STARTING' | 'RUNNING' | 'BACKOFF' | 'STOPPING' | 'EXITED' | 'FATAL' | 'UNKNOWN';

/** The states that the API shows. */
export const PUBLIC_STATES = ['RUNNING', 'STOPPED', 'STARTING', 'STOPPING', 'FATAL', 'UNKNOWN'] as const;
export type PublicState = (typeof PUBLIC_STATES)[number];

/** STARTING, RUNNING and STOPPING: there is, or is about to be, a process. */
export function isActive(state: PublicState): boolean {
  return state === 'STARTING' || state === 'RUNNING' || state === 'STOPPING';
}

/** Numbers of the signals that end programs, as `exit_status` counts them (128 + N). */
export function exitStatusOf(exit: number | null, signal: number | null): number {
  return signal !== null ? 128 + signal : (exit ?? 0);
}
