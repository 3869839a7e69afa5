import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, getSchemaPath, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import type { ResponseObject } from '@nestjs/swagger/dist/interfaces/open-api-spec.interface';
import { VERSION } from '../version';
import { ErrorDto } from './error.dto';

const DESCRIPTION = `Full control of the background processes of one machine or container, by wrapping supervisord.

A *program* is a command that is kept: it has a name, a user, and one process or an instance for each port of its \
range. An *ephemeral program* (quick start) is run once and cleaned up. Every error has the shape \
\`{success: false, error, code}\`: \`error\` is for people, \`code\` for programs.`;

/** The OpenAPI document, from the code. */
export function createDocument(app: INestApplication): OpenAPIObject {
  const config = new DocumentBuilder()
    .setTitle('hoody-daemon')
    .setDescription(DESCRIPTION)
    .setVersion(VERSION)
    .setLicense('MIT', 'https://opensource.org/license/mit')
    .addServer('/', 'This service')
    .addBearerAuth({
      type: 'http',
      scheme: 'bearer',
      description: 'Needed only when the service has tokens.',
    })
    .addSecurityRequirements('bearer')
    .addSecurityRequirements({})
    .addTag('Programs', 'Programs that are kept.')
    .addTag('Quick start', 'Programs that are run once.')
    .addTag('Status', 'What programs are doing.')
    .addTag('Events', 'What changes, as it changes.')
    .addTag('Webhooks', 'Who is told of changes.')
    .addTag('Metrics', 'For Prometheus.')
    .addTag('Health', 'Whether the service can do its work.')
    .addGlobalResponse(
      { status: 401, type: ErrorDto, description: '`UNAUTHORIZED`' },
      { status: 403, type: ErrorDto, description: '`FORBIDDEN`, `FORBIDDEN_ORIGIN`, `FORBIDDEN_HOST`' },
      { status: 500, type: ErrorDto, description: '`INTERNAL_ERROR`' },
    )
    .build();
  const document = SwaggerModule.createDocument(app, config, {
    operationIdFactory: (_controller, method) => method,
  });
  withBodyErrors(document);
  withoutDefaultsInEdits(document);
  return document;
}

/** What any body can be refused for. */
function withBodyErrors({ paths }: OpenAPIObject): void {
  for (const { post } of Object.values(paths)) {
    if (!post) continue;
    post.responses['400'] ??= errorResponse('`VALIDATION_ERROR`');
    post.responses['413'] = errorResponse('`PAYLOAD_TOO_LARGE`');
    post.responses['415'] = errorResponse('`UNSUPPORTED_MEDIA_TYPE`');
  }
}

function errorResponse(description: string): ResponseObject {
  const schema = { $ref: getSchemaPath(ErrorDto) };
  return { description, content: { 'application/json': { schema } } };
}

/** What an edit does not send keeps its value: the defaults that its schemas inherit would say otherwise. */
function withoutDefaultsInEdits({ components }: OpenAPIObject): void {
  for (const [name, schema] of Object.entries(components?.schemas ?? {})) {
    if (!/Edit/.test(name) || !('properties' in schema)) continue;
    for (const property of Object.values(schema.properties ?? {}))
      if ('default' in property) delete property.default;
  }
}
