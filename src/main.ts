import { Logger } from '@nestjs/common';
import { chmodSync, rmSync } from 'node:fs';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { StateDirectoryError } from './config-store/state-directory-error';
import { createApp } from './create-app';
import { API_BASE, DOCS_PATH } from './http/api-paths';
import { assertAddressFree } from './http/assert-address-free';
import { parseSettings } from './settings/parse-settings';
import { SettingsError } from './settings/settings-error';
import type { Settings } from './settings/settings';
import { VERSION } from './version';

async function main(): Promise<void> {
  const settings = parseSettings(process.env);
  const app = await createApp(settings);
  await assertAddressFree(settings);
  app.enableShutdownHooks();
  const address = await listen(app, settings);
  const addresses = `API ${address}${API_BASE}, Swagger UI ${address}${DOCS_PATH}`;
  new Logger('Main').log(`hoody-daemon ${VERSION} listens: ${addresses}`);
  process.stderr.write(
    `hoody-daemon ${VERSION}\n  API         ${address}${API_BASE}\n  Swagger UI  ${address}${DOCS_PATH}\n`,
  );
}

async function listen(app: NestFastifyApplication, { host, port, socket }: Settings): Promise<string> {
  if (socket === null) {
    await app.listen(port, host);
    return await app.getUrl();
  }
  // One that an earlier run left behind; the state directory's lock says that no other service uses it.
  rmSync(socket, { force: true });
  const umask = process.umask(0o177);
  try {
    await app.listen(socket);
  } finally {
    process.umask(umask);
  }
  chmodSync(socket, 0o600);
  return `http+unix://${encodeURIComponent(socket)}`;
}

main().catch((error: unknown) => {
  process.stderr.write(`${explain(error)}\n`);
  process.exit(1);
});

/** What a person can mend is one line; a bug is shown whole. */
function explain(error: unknown): string {
  if (error instanceof SettingsError || error instanceof StateDirectoryError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
