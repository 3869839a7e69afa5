import type { ErrorCode } from '../domain/errors';

const DIAGNOSIS = {
  cause: 'port_in_use',
  port: 3000,
  holder: { port: 3000, pid: 812, uid: 1000, command: 'node server.js', program: null },
  message: 'port 3000 already in use by pid 812 (node server.js)',
};

type ErrorExample = string | { error: string; [field: string]: unknown };

const ERRORS: Record<ErrorCode, ErrorExample> = {
  VALIDATION_ERROR: {
    error: 'start_seconds must be an integer from 0 to 300',
    details: [{ field: 'start_seconds', message: 'start_seconds must be an integer from 0 to 300' }],
  },
  INVALID_PORT_RANGE: 'port_range 3000..3009 overlaps with 3005..3005 of program "web-server".',
  USER_NOT_FOUND: 'User "app" does not exist on this system.',
  USER_NOT_ALLOWED:
    'Only root can run programs as other users; this service runs as uid 1000, so "app" can\'t be used.',
  PORT_REQUIRED:
    'Program "api-worker" has an instance for each port of 3001..3010: say which with "port", or "all": true.',
  PORT_NOT_IN_RANGE: 'Port 4000 is not in 3001..3010 of program "api-worker".',
  UNAUTHORIZED: 'Send a valid token: "Authorization: Bearer <token>".',
  FORBIDDEN: 'The token "dashboard" is for reading only; POST needs one with the role admin.',
  FORBIDDEN_ORIGIN:
    'Requests from pages of https://evil.example are refused. To let a web page in, add its origin to DAEMON_ALLOWED_ORIGINS.',
  FORBIDDEN_HOST:
    'This service does not answer to the host name "evil.example": ask for localhost, or add the name that you use to DAEMON_ALLOWED_HOSTS.',
  PROGRAM_NOT_FOUND: 'There is no program "queue-worker".',
  NOT_FOUND: 'There is no backup of this name.',
  METHOD_NOT_ALLOWED: '/api/v1/daemon/programs/add does not take PUT; use POST.',
  PROGRAM_ALREADY_EXISTS: 'A program named "queue-worker" (id "queue-worker") already exists.',
  PROGRAM_RUNNING: 'Program "queue-worker" is running. Stop it first, or send "restart": true.',
  PROGRAM_DISABLED: 'Program "queue-worker" is disabled. Enable it before you start it.',
  PAYLOAD_TOO_LARGE: 'The request body is too large; at most 1 MiB is accepted.',
  UNSUPPORTED_MEDIA_TYPE: 'The request body must be JSON in UTF-8: send "Content-Type: application/json".',
  START_FAILED: {
    error: `Failed to start: ${DIAGNOSIS.message}`,
    status: 'FATAL',
    exit_status: 1,
    stderr: 'Error: listen EADDRINUSE: address already in use 0.0.0.0:3000',
    diagnosis: DIAGNOSIS,
  },
  STOP_FAILED: { error: 'Program "queue-worker" is still alive 5 s after SIGKILL.', status: 'STOPPING' },
  IDEMPOTENCY_MISMATCH:
    'This Idempotency-Key was used for a request with another path or body; send a new key with a new request.',
  LIMIT_REACHED: '1000 ephemeral programs are running already. Stop one first.',
  INTERNAL_ERROR: 'Something went wrong inside the service; its log has the details.',
  SUPERVISORD_ERROR:
    "supervisord can't be reached: connect ENOENT. Nothing was changed; try again when GET /health is healthy.",
  CONFIG_INVALID: {
    error:
      'programs.json cannot be used: 0.command must be a string. Correct it and restart the service, or reset the programs, which keeps it as a backup.',
    file: 'programs.json',
    field: '0.command',
  },
  START_TIMEOUT: {
    error: 'Program "queue-worker" is not RUNNING after 31 s. It goes on starting; see its status.',
    status: 'STARTING',
  },
  STOP_TIMEOUT: {
    error: 'Program "queue-worker" has not ended yet. It goes on stopping; see its status.',
    status: 'STOPPING',
  },
};

export interface Example {
  summary: string;
  value: object;
}

/** The body of an error, named after its code. */
export function errorExamples(codes: readonly ErrorCode[]): Record<string, Example> {
  return Object.fromEntries(
    codes.map((code) => {
      const example = ERRORS[code];
      const { error, ...extra } = typeof example === 'string' ? { error: example } : example;
      return [code, { summary: code, value: { success: false, error, code, ...extra } }];
    }),
  );
}
