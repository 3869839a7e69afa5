import { isAbsolute, normalize } from 'node:path';
import type { AttachedSupervisor } from './settings';
import { SettingsError } from './settings-error';
import { shown, type Variables } from './variables';

/** null: the service runs a supervisord of its own. */
export function attachedSupervisor(variables: Variables): AttachedSupervisor | null {
  const url = variables.text('DAEMON_SUPERVISOR_URL');
  const confDir = variables.text('DAEMON_SUPERVISOR_CONF_DIR');
  if (url === null && confDir === null) return null;
  if (url === null)
    throw new SettingsError(
      'DAEMON_SUPERVISOR_CONF_DIR is for use with DAEMON_SUPERVISOR_URL: set both or neither.',
    );
  // The URL may hold a password: it is not shown.
  if (!isSupervisorUrl(url))
    throw new SettingsError(
      'DAEMON_SUPERVISOR_URL must be like unix:///run/supervisor.sock or http://user:pass@127.0.0.1:9001.',
    );
  if (confDir === null || !isAbsolute(confDir))
    throw new SettingsError(
      'DAEMON_SUPERVISOR_CONF_DIR must be the absolute path of the folder that the [include] of the supervisord ' +
        `at DAEMON_SUPERVISOR_URL reads${confDir === null ? '' : `, not ${shown(confDir)}`}.`,
    );
  return { url, confDir: normalize(confDir) };
}

function isSupervisorUrl(text: string): boolean {
  if (/\s/.test(text)) return false;
  if (text.startsWith('unix://')) return /^unix:\/\/\/[^?#]*[^/?#]$/.test(text);
  if (!/^http:\/\/[^/]/.test(text) || !URL.canParse(text)) return false;
  const url = new URL(text);
  return ['', '/', '/RPC2'].includes(url.pathname) && url.search === '' && url.hash === '';
}
