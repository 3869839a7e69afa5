import { isAbsolute } from 'node:path';
import { isHost } from './host-name';
import { isLoopback } from './loopback';
import type { Settings } from './settings';
import { SettingsError } from './settings-error';
import { shown, type Variables } from './variables';

/** What the kernel takes as the path of a unix socket. */
const MAX_SOCKET_PATH_BYTES = 107;

type ListenSettings = Pick<Settings, 'host' | 'port' | 'socket'>;

export function listenSettings(variables: Variables): ListenSettings {
  return {
    host: host(variables),
    port: variables.integer('DAEMON_PORT', 9010, 0, 65535),
    socket: socket(variables),
  };
}

/** Whoever reaches the service without a token runs commands as its user. */
export function refuseOpenAccess({
  host,
  socket,
  tokens,
  allowUnauthenticated,
}: ListenSettings & Pick<Settings, 'tokens' | 'allowUnauthenticated'>): void {
  if (tokens.length > 0 || allowUnauthenticated || socket !== null || isLoopback(host)) return;
  throw new SettingsError(
    `DAEMON_HOST ${shown(host)} can be reached by others, and there is no token: set DAEMON_TOKEN, ` +
      'DAEMON_TOKEN_FILE or DAEMON_TOKENS_FILE; or set DAEMON_HOST to 127.0.0.1; or set ' +
      'DAEMON_ALLOW_UNAUTHENTICATED=true if something in front authenticates.',
  );
}

function host(variables: Variables): string {
  const host = variables.text('DAEMON_HOST') ?? '127.0.0.1';
  if (isHost(host)) return host;
  throw new SettingsError(
    `DAEMON_HOST must be an IP address or a host name, without a port, not ${shown(host)}.`,
  );
}

function socket(variables: Variables): string | null {
  const path = variables.text('DAEMON_SOCKET');
  if (path === null) return null;
  if (isAbsolute(path) && !path.endsWith('/') && Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES)
    return path;
  throw new SettingsError(
    `DAEMON_SOCKET must be the absolute path of a unix socket, at most ${MAX_SOCKET_PATH_BYTES} bytes long, not ${shown(path)}.`,
  );
}
