import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module';
import { StateDirectoryError } from './config-store/state-directory-error';
import { ServiceLogger } from './logging/service-logger';
import { parseSettings } from './settings/parse-settings';
import { SettingsError } from './settings/settings-error';

/** Ends the programs and the supervisord that a service left running when it stopped (`DAEMON_ON_STOP=keep`). */
async function shutdown(): Promise<void> {
  const settings = { ...parseSettings(process.env), onStop: 'shutdown', logLevel: 'error' } as const;
  const app = await NestFactory.createApplicationContext(AppModule.forRoot(settings), {
    logger: new ServiceLogger(settings),
    abortOnError: false,
  });
  await app.close();
  process.stdout.write('All programs and supervisord have ended.\n');
}

shutdown().catch((error: unknown) => {
  const isPlain = error instanceof SettingsError || error instanceof StateDirectoryError;
  process.stderr.write(`${isPlain ? error.message : String(error instanceof Error ? error.stack : error)}\n`);
  process.exit(1);
});
