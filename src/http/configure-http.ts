import type { FastifyInstance } from 'fastify';
import type { Settings } from '../settings/settings';
import { controlAccess } from './access-control';
import { answerOddRequests } from './broken-connection';
import { acceptOnlyJsonBodies } from './json-body';
import { refuseUnroutedRequests } from './method-not-allowed';
import { echoRequestId } from './request-id';
import { addSecurityHeaders } from './security-headers';

/**
 * Everything between the socket and Nest's routes, in the order in which it takes effect. Await it after
 * `NestFactory.create(…, new FastifyAdapter(fastifyOptions()), { bodyParser: false })` and before `app.init()`.
 */
export async function configureHttp(fastify: FastifyInstance, settings: Settings): Promise<void> {
  answerOddRequests(fastify.server);
  echoRequestId(fastify);
  await addSecurityHeaders(fastify);
  controlAccess(fastify, settings);
  refuseUnroutedRequests(fastify);
  acceptOnlyJsonBodies(fastify);
}
