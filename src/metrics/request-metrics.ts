import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { MetricsService } from './metrics.service';

/**
 * Measures every answer under the pattern of its route: paths of clients never become labels. To be called
 * before `app.init()`, since a hook counts for the routes that are added after it.
 */
export function installRequestMetrics(
  fastify: FastifyInstance,
  metrics: Pick<MetricsService, 'observeRequest'>,
): void {
  // Event streams write to the socket themselves: they end, but nothing is ever sent for them.
  const sent = new WeakSet<FastifyRequest>();
  fastify.addHook('onSend', (request, _reply, payload, done) => {
    sent.add(request);
    done(null, payload);
  });
  fastify.addHook('onResponse', (request, reply, done) => {
    if (sent.has(request))
      metrics.observeRequest(request.method, routeOf(request), reply.statusCode, reply.elapsedTime / 1000);
    done();
  });
}

function routeOf(request: FastifyRequest): string {
  return request.is404 ? 'unknown' : (request.routeOptions.url ?? 'unknown');
}
