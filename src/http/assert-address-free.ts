import { once } from 'node:events';
import { createServer } from 'node:net';
import { SettingsError } from '../settings/settings-error';
import type { Settings } from '../settings/settings';

/**
 * Before anything is started: a service that can't listen must not leave a supervisord and programs behind.
 * @throws SettingsError
 */
export async function assertAddressFree({ host, port, socket }: Settings): Promise<void> {
  if (socket !== null) return;
  const server = createServer();
  try {
    server.listen(port, host);
    await once(server, 'listening');
  } catch (error) {
    throw new SettingsError(words(error as NodeJS.ErrnoException, host, port));
  }
  server.close();
  await once(server, 'close');
}

function words({ code, message }: NodeJS.ErrnoException, host: string, port: number): string {
  switch (code) {
    case 'EADDRINUSE':
      return `Port ${port} of ${host} is in use. End what listens there, or set DAEMON_PORT to another port.`;
    case 'EACCES':
      return `Only root may listen on port ${port}. Set DAEMON_PORT to a port above 1023.`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `DAEMON_HOST must be an address of this machine; ${host} is not.`;
    default:
      return `Cannot listen on ${host}, port ${port}: ${message}. Set DAEMON_HOST and DAEMON_PORT.`;
  }
}
