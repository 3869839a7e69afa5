import findMyWay, { type HTTPMethod } from 'find-my-way';
import type { FastifyInstance } from 'fastify';
import { DaemonError } from '../domain/errors';
import { MAX_HEADER_BYTES } from './fastify-options';

/**
 * Answers requests that no route matches: 405 with `Allow` when the path takes other methods, else 404.
 * Fastify's router keeps its table to itself, so every route is entered into a second one as well.
 * Call it before the routes are made.
 */
export function refuseUnroutedRequests(fastify: FastifyInstance): void {
  const routes = findMyWay({ maxParamLength: MAX_HEADER_BYTES });
  const methods = new Set<string>();
  fastify.addHook('onRoute', ({ method, url }) => {
    for (const each of [method].flat() as HTTPMethod[]) {
      methods.add(each);
      if (!routes.hasRoute(each, url)) routes.on(each, url, () => {});
    }
  });
  const isServed = (method: string, url: string): boolean => {
    const match = routes.find(method as HTTPMethod, url);
    // The router lets a parameter be empty, Nest does not: "/programs/" is no program.
    return (
      match !== null && Object.entries(match.params).every(([name, value]) => name === '*' || value !== '')
    );
  };
  fastify.addHook('onRequest', async (request, reply) => {
    if (!request.is404) return;
    const allowed = [...methods].filter((method) => isServed(method, request.raw.url ?? '/')).sort();
    const path = request.raw.url?.split('?', 1)[0];
    if (allowed.length === 0)
      throw new DaemonError('NOT_FOUND', `There is nothing at ${path}; /docs lists the paths of the API.`);
    reply.header('allow', allowed.join(', '));
    throw new DaemonError(
      'METHOD_NOT_ALLOWED',
      `${path} does not take ${request.method}; use ${allowed.join(' or ')}.`,
    );
  });
}
