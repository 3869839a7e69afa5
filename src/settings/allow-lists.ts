import { isIP } from 'node:net';
import { isHostName } from './host-name';
import { SettingsError } from './settings-error';
import { shown, type Variables } from './variables';

/** Lower case; IPv6 addresses without brackets. */
export function allowedHosts(variables: Variables): string[] {
  return variables.list('DAEMON_ALLOWED_HOSTS').map((entry) => {
    const host = entry.toLowerCase().replace(/^\[(.*)\]$/, '$1');
    if (host === '*' || isIP(host) !== 0 || isHostName(host.replace(/^\*\./, ''))) return host;
    throw new SettingsError(
      `DAEMON_ALLOWED_HOSTS takes names without port, separated by commas, like api.example.com, *.example.com or *; not ${shown(entry)}.`,
    );
  });
}

/** As browsers write them in `Origin`: lower case, without a default port. */
export function allowedOrigins(variables: Variables): string[] {
  return variables.list('DAEMON_ALLOWED_ORIGINS').map((entry) => {
    const origin = normalOrigin(entry);
    if (origin !== null) return origin;
    throw new SettingsError(
      `DAEMON_ALLOWED_ORIGINS takes origins separated by commas, like https://app.example.com or http://localhost:3000; not ${shown(entry)}.`,
    );
  });
}

function normalOrigin(entry: string): string | null {
  if (!/^[a-z][a-z0-9+.-]*:\/\/[^/\s?#@*]+\/?$/i.test(entry) || !URL.canParse(entry)) return null;
  const { origin } = new URL(entry);
  // Schemes of browser extensions and the like have no origin in the URL standard, but browsers send one.
  return origin === 'null' ? entry.toLowerCase().replace(/\/$/, '') : origin;
}
