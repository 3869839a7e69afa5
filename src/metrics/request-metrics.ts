import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { MetricsService } from './metrics.service';

/** Measures every answer under the pattern of its route: paths of clients never become labels. */
export function installRequestMetrics(fastify: FastifyInstance, metrics: Pick<MetricsService, 'observeRequest'>): void {
  fastify.addHook('onResponse', async (request, reply) => {
    if (isEventStream(reply)) return;
    metrics.observeRequest(request.method, routeOf(request), reply.raw.statusCode, reply.elapsedTime / 1000);
  });
}

function routeOf(request: FastifyRequest): string {
  return request.is404 ? 'unknown' : (request.routeOptions.url ?? 'unknown');
}

function isEventStream(reply: FastifyReply): boolean {
  return String(reply.raw.getHeader('content-type') ?? '').startsWith('text/event-stream');
}
