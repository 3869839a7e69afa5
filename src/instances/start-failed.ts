import { DaemonError } from '../domain/errors';
import type { PublicState } from '../domain/states';
import type { Failure } from './failure';

/** The answer to a start that failed. @param status the state now */
export function startFailed(
  failure: Failure,
  exitStatus: number,
  status: PublicState = 'FATAL',
): DaemonError {
  return new DaemonError('START_FAILED', failure.spawnError, {
    status,
    exit_status: exitStatus,
    stderr: failure.stderr.join('\n'),
    diagnosis: failure.diagnosis,
  });
}
