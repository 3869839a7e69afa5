import type { FastifyReply, FastifyRequest } from 'fastify';
import { DaemonError } from '../domain/errors';
import type { Settings } from '../settings/settings';
import { isDocs, isHealth } from './api-paths';
import { hostHeadersOf } from './host-check';

/** Refuses what foreign web pages send; answers true when the request was a preflight and is answered. */
type OriginCheck = (request: FastifyRequest, reply: FastifyReply) => boolean;

/**
 * No web page that a person visits can drive the API behind their back: browsers say where a request comes
 * from (`Origin`, and `Sec-Fetch-Site` where there is no origin), and only pages of this service itself and
 * of the allowed origins pass. Clients that are no browsers send neither.
 */
export function originCheck({ allowedOrigins }: Settings): OriginCheck {
  const allowed = new Set(allowedOrigins);
  return (request, reply) => {
    const { origin } = request.headers;
    if (origin === undefined) {
      refuseForeignFetch(request);
      return false;
    }
    if (allowed.has(origin)) {
      shareWith(origin, reply);
      return isPreflight(request) && answerPreflight(reply);
    }
    if (origin !== ownOriginOf(request)) throw forbiddenOrigin(`pages of ${origin}`);
    refuseForeignFetch(request);
    return false;
  };
}

function refuseForeignFetch(request: FastifyRequest): void {
  const site = request.headers['sec-fetch-site'];
  if (site !== 'cross-site' && site !== 'same-site') return;
  const route = request.routeOptions.url;
  if (isHealth(route) || (isDocs(route) && isNavigation(request))) return;
  throw forbiddenOrigin('other web pages');
}

/** Somebody follows a link to the documentation, which is no secret. */
function isNavigation({ method, headers }: FastifyRequest): boolean {
  const isPage = (headers['sec-fetch-dest'] ?? 'document') === 'document';
  return method === 'GET' && headers['sec-fetch-mode'] === 'navigate' && isPage;
}

/**
 * The origin of a page that this service served. TLS ends in front of it, and what ends it can say so in
 * `X-Forwarded-Proto`: a page can't forge that without a preflight, which is refused.
 */
function ownOriginOf(request: FastifyRequest): string | null {
  const [host, ...more] = hostHeadersOf(request);
  if (host === undefined || more.length > 0) return null;
  const scheme = request.headers['x-forwarded-proto'] === 'https' ? 'https' : 'http';
  const url = `${scheme}://${host}`;
  return URL.canParse(url) ? new URL(url).origin : null;
}

function forbiddenOrigin(who: string): DaemonError {
  return new DaemonError(
    'FORBIDDEN_ORIGIN',
    `Requests from ${who} are refused. To let a web page in, add its origin to DAEMON_ALLOWED_ORIGINS.`,
  );
}

function shareWith(origin: string, reply: FastifyReply): void {
  // On the raw response, so that event streams, which write their own head, carry them too.
  reply.raw.setHeader('access-control-allow-origin', origin);
  reply.raw.setHeader('access-control-expose-headers', 'x-request-id, idempotency-replayed, allow');
  reply.raw.setHeader('vary', 'Origin');
}

function isPreflight({ method, headers }: FastifyRequest): boolean {
  return method === 'OPTIONS' && headers['access-control-request-method'] !== undefined;
}

function answerPreflight(reply: FastifyReply): true {
  void reply
    .status(204)
    .headers({
      'access-control-allow-methods': 'GET, HEAD, POST',
      'access-control-allow-headers':
        'authorization, content-type, idempotency-key, last-event-id, x-request-id',
      'access-control-max-age': '600',
    })
    .send();
  return true;
}
