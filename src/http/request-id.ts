import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';

const SANE = /^[A-Za-z0-9._-]{1,128}$/;

/** The caller's own `x-request-id`, if it can be put into a log line and a header without harm; else a new one. */
export function requestIdOf(request: IncomingMessage): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && SANE.test(given) ? given : randomUUID();
}

/** Every answer carries the id under which the log knows the request. */
export function echoRequestId(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', async (request, reply) => {
    // On the raw response, so that event streams, which write their own head, carry it too.
    reply.raw.setHeader('x-request-id', request.id);
  });
}
