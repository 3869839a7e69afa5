import helmet from '@fastify/helmet';
import type { FastifyHelmetOptions } from '@fastify/helmet';
import type { FastifyInstance } from 'fastify';
import { isDocs } from './api-paths';

/** Data is not a page: nothing in it may load, run or be framed. */
const DATA: FastifyHelmetOptions = {
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      defaultSrc: ["'none'"],
      baseUri: ["'none'"],
      formAction: ["'none'"],
      frameAncestors: ["'none'"],
    },
  },
  frameguard: { action: 'deny' },
  // TLS, where there is any, ends in front of the service; whoever ends it decides for the whole host name.
  strictTransportSecurity: false,
  // Browsers ignore these two over plain HTTP, and complain on the console.
  crossOriginOpenerPolicy: false,
  originAgentCluster: false,
};

/** Swagger UI loads its own scripts, has a `<style>` in its page and draws icons from data: URLs. */
const DOCS: FastifyHelmetOptions = {
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      defaultSrc: ["'none'"],
      scriptSrc: ["'self'"],
      styleSrc: ["'self'", "'unsafe-inline'"],
      imgSrc: ["'self'", 'data:'],
      fontSrc: ["'self'", 'data:'],
      connectSrc: ["'self'"],
      baseUri: ["'none'"],
      formAction: ["'none'"],
      frameAncestors: ["'none'"],
    },
  },
};

/** Every answer, errors and event streams too, says how a browser may use it. Nothing may be cached. */
export async function addSecurityHeaders(fastify: FastifyInstance): Promise<void> {
  await fastify.register(helmet, { ...DATA, global: false });
  fastify.addHook('onRequest', (request, reply, done) => {
    // On the raw response: an event stream writes its own head, and a route can still say otherwise.
    reply.raw.setHeader('cache-control', 'no-store');
    void reply.helmet(isDocs(request.routeOptions.url) ? DOCS : {});
    done();
  });
}
