import { isIPv4 } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { DaemonError } from '../domain/errors';
import type { Settings } from '../settings/settings';
import { isHealth } from './api-paths';

type HostCheck = (request: FastifyRequest) => void;

/**
 * Refuses requests for names that are not ours. A web page can point its own name at 127.0.0.1 and then counts
 * as same-origin (DNS rebinding); what gives it away is the `Host` that its browser sends. A token stops such a
 * page as well, so with one only names that the operator listed are demanded.
 *
 * Exempt are health, which a probe may ask by any name, and a unix socket, which no page can reach. A request
 * without `Host` (HTTP/1.0) names nobody and is refused like a wrong name.
 */
export function hostCheck({ tokens, allowedHosts, socket }: Settings): HostCheck {
  const isChecked = socket === null && (tokens.length === 0 || allowedHosts.length > 0);
  const isAllowed = hostPattern(allowedHosts);
  const isAcceptable = (name: string): boolean =>
    isAllowed(name) || (tokens.length === 0 && isLoopback(name));
  return (request) => {
    if (!isChecked || isHealth(request.routeOptions.url)) return;
    const name = hostNameOf(request);
    if (name === null || !isAcceptable(name)) throw forbiddenHost(name);
  };
}

function forbiddenHost(name: string | null): DaemonError {
  const advice = 'ask for localhost, or add the name that you use to DAEMON_ALLOWED_HOSTS.';
  return new DaemonError(
    'FORBIDDEN_HOST',
    name === null
      ? `The request needs exactly one valid Host header: ${advice}`
      : `This service does not answer to the host name "${name}": ${advice}`,
  );
}

/** Lower case, without port and final dot, IPv6 in its brackets; null if there is not exactly one valid name. */
function hostNameOf(request: FastifyRequest): string | null {
  const hosts = hostHeadersOf(request);
  const match = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+?)\.?(?::\d{1,5})?$/.exec(hosts[0]?.toLowerCase() ?? '');
  if (hosts.length !== 1 || !match?.[1] || !isForThisHost(request.raw.url ?? '', hosts[0]!)) return null;
  return match[1];
}

/** Node keeps only the first of several. */
export function hostHeadersOf(request: FastifyRequest): string[] {
  const { rawHeaders } = request.raw;
  return rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]!.toLowerCase() === 'host');
}

/** A target may name the host itself ("GET http://name/path"), and then it overrules `Host`: RFC 9112, 3.2.2. */
function isForThisHost(target: string, host: string): boolean {
  const authority = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(target)?.[1];
  return authority === undefined || authority.toLowerCase() === host.toLowerCase();
}

function isLoopback(name: string): boolean {
  if (name === 'localhost' || name.endsWith('.localhost')) return true;
  if (name.startsWith('['))
    return URL.canParse(`http://${name}`) && new URL(`http://${name}`).hostname === '[::1]';
  return isIPv4(name) && name.startsWith('127.');
}

/** `*.example.com` stands for every name below it, at any depth, but not for itself; `*` for every name. */
function hostPattern(allowed: readonly string[]): (name: string) => boolean {
  const names = new Set(allowed.map((host) => host.toLowerCase().replace(/^\[(.*)\]$/, '$1')));
  const suffixes = [...names].filter((host) => host.startsWith('*.')).map((host) => host.slice(1));
  return (name) =>
    names.has('*') ||
    names.has(name.replace(/^\[(.*)\]$/, '$1')) ||
    suffixes.some((suffix) => name.endsWith(suffix) && name.length > suffix.length);
}
