import { Logger } from '@nestjs/common';
import type { FastifyInstance, FastifyRequest } from 'fastify';

const logger = new Logger('Changes');

/**
 * One line for every request that may change something: who, what, and how it went. Never a body: it may
 * hold secrets.
 */
export function logChanges(fastify: FastifyInstance): void {
  fastify.addHook('onResponse', (request, reply, done) => {
    if (request.method !== 'GET' && request.method !== 'HEAD' && request.method !== 'OPTIONS')
      logger.log({
        msg: `${request.method} ${routeOf(request)} ${reply.statusCode}`,
        who: request.caller?.name,
        address: request.caller?.address,
        program: (request.params as { id?: string } | undefined)?.id,
        status: reply.statusCode,
        duration_ms: Math.round(reply.elapsedTime),
        request_id: request.id,
      });
    done();
  });
}

function routeOf(request: FastifyRequest): string {
  return request.routeOptions.url ?? 'unknown path';
}
