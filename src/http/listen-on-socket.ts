import { lstatSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { SettingsError } from '../settings/settings-error';

/**
 * Listens on a unix socket that only the service's own user can open, from the first instant: the kernel makes it
 * with what the umask leaves, so it is never chmod'ed afterwards. A socket that an earlier run left behind is
 * replaced. @throws SettingsError when the path is taken by anything else
 */
export async function listenOnSocket(app: NestFastifyApplication, path: string): Promise<void> {
  await makeRoom(path);
  // Start-up makes folders, which this umask would spoil: only the binding itself runs under it.
  await app.init();
  const fastify = app.getHttpAdapter().getInstance();
  await fastify.ready();
  const umask = process.umask(0o177);
  try {
    await fastify.listen({ path });
  } finally {
    process.umask(umask);
  }
}

async function makeRoom(path: string): Promise<void> {
  if (!lstatSync(dirname(path), { throwIfNoEntry: false }))
    throw new SettingsError(`DAEMON_SOCKET: the folder ${dirname(path)} does not exist. Make it first.`);
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (!found) return;
  if (!found.isSocket())
    throw new SettingsError(
      `DAEMON_SOCKET: ${path} exists and is no socket. Move it away, or set another path.`,
    );
  if (await isAnswered(path))
    throw new SettingsError(
      `DAEMON_SOCKET: another process listens on ${path}. End it, or set another path.`,
    );
  rmSync(path, { force: true });
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const answer = (isOpen: boolean) => {
      socket.destroy();
      resolve(isOpen);
    };
    socket.once('connect', () => answer(true));
    socket.once('error', () => answer(false));
  });
}
