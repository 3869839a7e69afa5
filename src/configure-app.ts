import { RequestMethod } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { SwaggerModule } from '@nestjs/swagger';
import { AllExceptionsFilter } from './errors/all-exceptions.filter';
import { API_BASE, DOCS_PATH, METRICS_PATH, OPENAPI_JSON_PATH, OPENAPI_YAML_PATH } from './http/api-paths';
import { configureHttp } from './http/configure-http';
import { logChanges } from './logging/log-changes';
import { MetricsService } from './metrics/metrics.service';
import { installRequestMetrics } from './metrics/request-metrics';
import { createDocument } from './openapi/document';
import type { Settings } from './settings/settings';
import { createValidationPipe } from './validation/validation-pipe';

/** Everything about HTTP that is not a route. @param isPreview nothing is instantiated, only routes are known */
export async function configureApp(
  app: NestFastifyApplication,
  settings: Settings,
  isPreview: boolean,
): Promise<void> {
  app.setGlobalPrefix(API_BASE.slice(1), { exclude: [{ path: METRICS_PATH, method: RequestMethod.GET }] });
  app.useGlobalPipes(createValidationPipe());
  app.useGlobalFilters(new AllExceptionsFilter());
  if (isPreview) return;
  const fastify = app.getHttpAdapter().getInstance();
  await configureHttp(fastify, settings);
  logChanges(fastify);
  installRequestMetrics(fastify, app.get(MetricsService));
  SwaggerModule.setup(DOCS_PATH, app, () => createDocument(app), {
    jsonDocumentUrl: OPENAPI_JSON_PATH,
    yamlDocumentUrl: OPENAPI_YAML_PATH,
    customSiteTitle: 'hoody-daemon',
  });
}
