import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { DaemonError } from '../domain/errors';
import type { AccessToken, Settings } from '../settings/settings';
import { isDocs, isHealth, isOpenApiDocument, METRICS_PATH } from './api-paths';
import type { Caller } from './caller';

type TokenCheck = (request: FastifyRequest, reply: FastifyReply) => Caller;

/**
 * Tells who is calling. Where tokens are configured, everything but health and the documentation needs one,
 * paths that do not exist included: a stranger learns nothing of what there is.
 */
export function tokenCheck({ tokens, metricsPublic }: Settings): TokenCheck {
  const holderOf = tokenRegister(tokens);
  const isOpen = (route: string | undefined): boolean =>
    isHealth(route) || isDocs(route) || isOpenApiDocument(route) || (metricsPublic && route === METRICS_PATH);
  return (request, reply) => {
    const address = request.raw.socket.remoteAddress ?? 'unix';
    if (tokens.length === 0) return { name: 'anonymous', role: 'admin', address };
    const holder = holderOf(bearerOf(request));
    if (holder) return { name: holder.name, role: holder.role, address };
    if (isOpen(request.routeOptions.url)) return { name: 'anonymous', role: 'read', address };
    reply.header('www-authenticate', 'Bearer realm="hoody-daemon"');
    throw new DaemonError('UNAUTHORIZED', 'Send a valid token: "Authorization: Bearer <token>".');
  };
}

/** @throws DaemonError FORBIDDEN when the caller's token is for looking only */
export function assertRoleAllows(method: string, { name, role }: Caller): void {
  if (role === 'admin' || method === 'GET' || method === 'HEAD') return;
  throw new DaemonError(
    'FORBIDDEN',
    `The token "${name}" is for reading only; ${method} needs one with the role admin.`,
  );
}

/** Neither the length nor the number of equal characters nor the place in the list shows in the time it takes. */
function tokenRegister(tokens: readonly AccessToken[]): (presented: Buffer | null) => AccessToken | null {
  const register = tokens.map((holder) => ({ holder, digest: sha256(Buffer.from(holder.token, 'utf8')) }));
  return (presented) => {
    const digest = sha256(presented ?? Buffer.alloc(0));
    let found: AccessToken | null = null;
    for (const entry of register) if (timingSafeEqual(entry.digest, digest)) found = entry.holder;
    return presented === null ? null : found;
  };
}

function bearerOf(request: FastifyRequest): Buffer | null {
  const token = /^bearer +(.+)$/i.exec(request.headers.authorization ?? '')?.[1];
  // Node reads header bytes as latin1; a token is what was sent, byte for byte.
  return token === undefined ? null : Buffer.from(token, 'latin1');
}

function sha256(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest();
}
