/** Every error code of the API. They are stable: clients branch on them. */
export type ErrorCode =
  | 'VALIDATION_ERROR'
  | 'INVALID_PORT_RANGE'
  | 'USER_NOT_FOUND'
  | 'USER_NOT_ALLOWED'
  | 'PORT_REQUIRED'
  | 'PORT_NOT_IN_RANGE'
  | 'UNAUTHORIZED'
  | 'FORBIDDEN'
  | 'FORBIDDEN_ORIGIN'
  | 'FORBIDDEN_HOST'
  | 'PROGRAM_NOT_FOUND'
  | 'NOT_FOUND'
  | 'METHOD_NOT_ALLOWED'
  | 'PROGRAM_ALREADY_EXISTS'
  | 'PROGRAM_RUNNING'
  | 'PROGRAM_DISABLED'
  | 'PAYLOAD_TOO_LARGE'
  | 'UNSUPPORTED_MEDIA_TYPE'
  | 'START_FAILED'
  | 'STOP_FAILED'
  | 'IDEMPOTENCY_MISMATCH'
  | 'LIMIT_REACHED'
  | 'INTERNAL_ERROR'
  | 'SUPERVISORD_ERROR'
  | 'CONFIG_INVALID'
  | 'START_TIMEOUT'
  | 'STOP_TIMEOUT';

/** One field that was refused, and what it takes instead. */
export interface FieldProblem {
  field: string;
  message: string;
}

/**
 * An error that a user may see. It is born where the cause is known; the exception filter turns the code
 * into an HTTP status. `extra` holds further members of the error body (`details`, `status`, `failed` …).
 */
export class DaemonError extends Error {
  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly extra: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
    this.name = 'DaemonError';
  }
}

/** A `VALIDATION_ERROR` that names the fields at fault. */
export function invalidFields(...details: FieldProblem[]): DaemonError {
  return new DaemonError('VALIDATION_ERROR', details.map((d) => d.message).join('; '), { details });
}
