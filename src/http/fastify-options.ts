import type { Server } from 'node:http';
import type { FastifyError, FastifyHttpOptions, FastifyReply, FastifyRequest } from 'fastify';
import { DaemonError } from '../domain/errors';
import { envelopeOf } from '../errors/error-envelope';
import { answerBrokenRequest } from './broken-connection';
import { requestIdOf } from './request-id';

export const BODY_LIMIT_BYTES = 1024 * 1024;
export const MAX_HEADER_BYTES = 16 * 1024;

/** How long a client may take. */
export interface HttpTimeLimits {
  /** For the head of a request, from its first byte or from the opening of the connection. */
  headersMs: number;
  /** For a request as a whole. */
  requestMs: number;
  /** Between the answer to one request and the next request. */
  keepAliveMs: number;
  /** How often the first two are looked at. */
  checkEveryMs: number;
}

export const TIME_LIMITS: HttpTimeLimits = {
  headersMs: 10_000,
  requestMs: 30_000,
  keepAliveMs: 72_000,
  checkEveryMs: 1_000,
};

/**
 * What a FastifyAdapter is made with; the app itself with `bodyParser: false`.
 *
 * A path is matched to the letter: case and a trailing slash count. There is no limit to the time that an
 * answer may take (a start can wait for ten minutes, an event stream lives for days) nor to the number of
 * requests on a connection, since Node answers the one too many with a 503 that has no body.
 */
export function fastifyOptions(limits: HttpTimeLimits = TIME_LIMITS): FastifyHttpOptions<Server> {
  return {
    logger: false,
    bodyLimit: BODY_LIMIT_BYTES,
    connectionTimeout: 0,
    requestTimeout: limits.requestMs,
    keepAliveTimeout: limits.keepAliveMs,
    maxRequestsPerSocket: 0,
    forceCloseConnections: true,
    // The 503 of a service that is closing would not be in the envelope.
    return503OnClosing: false,
    http: {
      headersTimeout: limits.headersMs,
      requestTimeout: limits.requestMs,
      connectionsCheckingInterval: limits.checkEveryMs,
      maxHeaderSize: MAX_HEADER_BYTES,
      // The Host check says it better than Node's 400 without a body.
      requireHostHeader: false,
    },
    routerOptions: {
      caseSensitive: true,
      ignoreTrailingSlash: false,
      ignoreDuplicateSlashes: false,
      // The header limit is reached first: an absurdly long id is a program that does not exist.
      maxParamLength: MAX_HEADER_BYTES,
    },
    requestIdHeader: false,
    genReqId: requestIdOf,
    clientErrorHandler: answerBrokenRequest,
    frameworkErrors: answerUnroutable,
  };
}

/** The few errors that arise before there is a route, and so before any hook and filter. */
function answerUnroutable(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  const isBadPath = error.code === 'FST_ERR_BAD_URL';
  const problem = isBadPath ? new DaemonError('VALIDATION_ERROR', BAD_PATH) : error;
  const { status, body } = envelopeOf(problem);
  void reply
    .status(status)
    .headers({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff', 'x-request-id': request.id })
    .type('application/json; charset=utf-8')
    .send(body);
}

const BAD_PATH = 'The path of the request holds a broken percent-encoding.';
