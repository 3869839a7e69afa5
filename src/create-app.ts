import type { NestApplicationOptions } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { AppModule } from './app.module';
import { configureApp } from './configure-app';
import { fastifyOptions } from './http/fastify-options';
import { ServiceLogger } from './logging/service-logger';
import type { Settings } from './settings/settings';

/** The whole service, ready to listen. @throws SettingsError, StateDirectoryError: one line that says what to do */
export async function createApp(
  settings: Settings,
  options: NestApplicationOptions = {},
): Promise<NestFastifyApplication> {
  const adapter = new FastifyAdapter(fastifyOptions());
  const app = await NestFactory.create<NestFastifyApplication>(AppModule.forRoot(settings), adapter, {
    bodyParser: false,
    abortOnError: false,
    logger: new ServiceLogger(settings),
    ...options,
  });
  await configureApp(app, settings, options.preview ?? false);
  return app;
}
