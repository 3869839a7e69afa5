import { Logger } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { StateDirectoryError } from './config-store/state-directory-error';
import { createApp } from './create-app';
import { API_BASE, DOCS_PATH } from './http/api-paths';
import { assertAddressFree } from './http/assert-address-free';
import { listenOnSocket } from './http/listen-on-socket';
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
  await listenOnSocket(app, socket);
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
