import { HttpException } from '@nestjs/common';
import { DaemonError, type ErrorCode } from '../domain/errors';
import { STATUS_OF } from './error-status';

/** The body of every error answer; further members (`details`, `status` …) depend on the code. */
export interface ErrorBody {
  success: false;
  error: string;
  code: ErrorCode;
  [extra: string]: unknown;
}

export interface ErrorEnvelope {
  status: number;
  body: ErrorBody;
}

/** What a client is told of an error. Of one that nobody foresaw it learns nothing but that it happened. */
export function envelopeOf(error: unknown): ErrorEnvelope {
  const { code, message, extra } = asDaemonError(error);
  const core = { success: false as const, error: message, code };
  // Before the others, so that it is read first, and after them, so that none of them replaces it.
  return { status: STATUS_OF[code], body: { ...core, ...extra, ...core } };
}

/** The error that `envelopeOf` turns into this body. */
export function errorOfBody({ success: _, error, code, ...extra }: ErrorBody): DaemonError {
  return new DaemonError(code, error, extra);
}

function asDaemonError(error: unknown): DaemonError {
  if (error instanceof DaemonError) return error;
  const status = frameworkStatus(error);
  return status === null || status >= 500 ? internalError() : frameworkError(status, error as Error);
}

/** Nest wraps Fastify's errors in an HttpException and drops their code, so only the status tells them apart. */
function frameworkStatus(error: unknown): number | null {
  if (error instanceof HttpException) return error.getStatus();
  const { statusCode, code, expose } = (error ?? {}) as Record<string, unknown>;
  // The file server of the documentation refuses paths like "/docs/../x": for the client there is no such file.
  if (error instanceof Error && expose === true && statusCode === 403) return 404;
  const isFastifys = error instanceof Error && typeof code === 'string' && code.startsWith('FST_');
  return isFastifys && typeof statusCode === 'number' ? statusCode : null;
}

function frameworkError(status: number, error: Error): DaemonError {
  switch (status) {
    case 401:
      return new DaemonError('UNAUTHORIZED', 'Send a valid token: "Authorization: Bearer <token>".');
    case 403:
      return new DaemonError('FORBIDDEN', 'This token does not allow the request.');
    case 404:
      return new DaemonError('NOT_FOUND', 'There is nothing at this path; /docs lists the paths of the API.');
    case 405:
      return new DaemonError(
        'METHOD_NOT_ALLOWED',
        'This path does not take this method; see the Allow header.',
      );
    case 413:
      return new DaemonError(
        'PAYLOAD_TOO_LARGE',
        'The request body is too large; at most 1 MiB is accepted.',
      );
    case 414:
      return new DaemonError('PAYLOAD_TOO_LARGE', 'The address of the request is too long.');
    case 415:
      return unsupportedMediaType();
    case 429:
      return new DaemonError('LIMIT_REACHED', 'Too many requests; try again later.');
    case 431:
      return new DaemonError(
        'PAYLOAD_TOO_LARGE',
        'The request headers are too large; at most 16 KiB are accepted.',
      );
    default:
      return new DaemonError('VALIDATION_ERROR', wordsOf(error));
  }
}

export function unsupportedMediaType(): DaemonError {
  return new DaemonError(
    'UNSUPPORTED_MEDIA_TYPE',
    'The request body must be JSON in UTF-8: send "Content-Type: application/json".',
  );
}

export function internalError(): DaemonError {
  return new DaemonError(
    'INTERNAL_ERROR',
    'Something went wrong inside the service; its log has the details.',
  );
}

/** A ValidationPipe without an exception factory of its own answers a list of messages. */
function wordsOf(error: Error): string {
  const response = error instanceof HttpException ? error.getResponse() : null;
  const message = typeof response === 'object' ? (response as { message?: unknown } | null)?.message : null;
  return Array.isArray(message) ? message.join('; ') : error.message;
}
