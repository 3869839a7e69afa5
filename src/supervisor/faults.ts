import { DaemonError } from '../domain/errors';

/** supervisord's fault numbers (supervisor/xmlrpc.py, `Faults`). */
export const FAULT = {
  UNKNOWN_METHOD: 1,
  SHUTDOWN_STATE: 6,
  BAD_NAME: 10,
  NO_FILE: 20,
  NOT_EXECUTABLE: 21,
  ABNORMAL_TERMINATION: 40,
  SPAWN_ERROR: 50,
  ALREADY_STARTED: 60,
  NOT_RUNNING: 70,
  ALREADY_ADDED: 90,
  STILL_RUNNING: 91,
  CANT_REREAD: 92,
} as const;

/** supervisord answered a call with a fault. */
export class SupervisorFault extends Error {
  constructor(
    readonly code: number,
    text: string,
  ) {
    super(text);
    this.name = 'SupervisorFault';
  }
}

export function isFault(error: unknown, ...codes: number[]): error is SupervisorFault {
  return error instanceof SupervisorFault && codes.includes(error.code);
}

/** supervisord can't be asked: gone, or no answer in time. */
export function unreachable(reason: string): DaemonError {
  return new DaemonError(
    'SUPERVISORD_ERROR',
    `supervisord can't be reached: ${reason}. Nothing was changed; try again when GET /health is healthy.`,
  );
}

/** What a fault that a use case did not expect means to the user. */
export function daemonErrorOf(error: unknown, doing: string): DaemonError {
  if (error instanceof DaemonError) return error;
  if (isFault(error, FAULT.SHUTDOWN_STATE)) return unreachable('it is shutting down');
  const reason = error instanceof Error ? error.message : String(error);
  return new DaemonError('SUPERVISORD_ERROR', `supervisord could not ${doing}: ${reason}`);
}
