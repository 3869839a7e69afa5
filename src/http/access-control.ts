import type { FastifyInstance } from 'fastify';
import type { Settings } from '../settings/settings';
import type { Caller } from './caller';
import { hostCheck } from './host-check';
import { originCheck } from './origin-check';
import { assertRoleAllows, tokenCheck } from './token-check';

/**
 * Who may ask for what. One hook that runs after routing and before the body is read, for every request: API,
 * documentation, event streams and paths that do not exist. Afterwards `request.caller` says who it is.
 */
export function controlAccess(fastify: FastifyInstance, settings: Settings): void {
  const checkHost = hostCheck(settings);
  const checkOrigin = originCheck(settings);
  const identify = tokenCheck(settings);
  fastify.decorateRequest('caller', null as unknown as Caller);
  fastify.addHook('onRequest', async (request, reply) => {
    checkHost(request);
    const isAnswered = checkOrigin(request, reply);
    if (isAnswered) return reply;
    request.caller = identify(request, reply);
    assertRoleAllows(request.method, request.caller);
  });
}
