import { Logger } from '@nestjs/common';
import type { FastifyInstance, FastifyRequest } from 'fastify';

const logger = new Logger('Changes');

/** What of an answer is logged. */
interface Outcome {
  /** The error's code, or "ok". */
  outcome: string;
  /** What was made, where the path does not say it. */
  program?: string;
}

/**
 * One line for every request that may change something: who, what, and how it went. Never a body: it may
 * hold secrets.
 */
export function logChanges(fastify: FastifyInstance): void {
  const outcomes = new WeakMap<FastifyRequest, Outcome>();
  fastify.addHook('onSend', (request, _reply, payload, done) => {
    if (mayChange(request)) outcomes.set(request, outcomeOf(payload));
    done(null, payload);
  });
  fastify.addHook('onResponse', (request, reply, done) => {
    if (mayChange(request)) {
      const { outcome = 'ok', program } = outcomes.get(request) ?? {};
      logger.log({
        msg: `${request.method} ${routeOf(request)} ${reply.statusCode}`,
        who: callerOf(request),
        program: (request.params as { id?: string } | undefined)?.id ?? program,
        status: reply.statusCode,
        outcome,
        duration_ms: Math.round(reply.elapsedTime),
        request_id: request.id,
      });
    }
    done();
  });
}

function mayChange({ method }: FastifyRequest): boolean {
  return method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS';
}

function outcomeOf(payload: unknown): Outcome {
  if (typeof payload !== 'string' || !payload.startsWith('{')) return { outcome: 'ok' };
  const { code, program, temporary_id } = JSON.parse(payload) as {
    code?: string;
    program?: { id?: string };
    temporary_id?: string;
  };
  return { outcome: code ?? 'ok', program: program?.id ?? temporary_id };
}

/** The name of the token, or the address of one who has none (or was refused before that was looked at). */
function callerOf({ caller, raw }: FastifyRequest): string {
  if (caller && caller.name !== 'anonymous') return caller.name;
  return raw.socket.remoteAddress ?? 'unix';
}

function routeOf(request: FastifyRequest): string {
  return request.routeOptions.url ?? 'unknown path';
}
