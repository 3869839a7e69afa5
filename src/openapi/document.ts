import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, getSchemaPath, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
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
  withoutDefaultsInEdits(document);
  addEdgeErrors(document);
  return document;
}

/** What the edge refuses before a route is asked; a route's own words for the same status stand. */
function addEdgeErrors({ paths }: OpenAPIObject): void {
  const content = { 'application/json': { schema: { $ref: getSchemaPath(ErrorDto) } } };
  const of = (description: string) => ({ description, content });
  for (const { get, post } of Object.values(paths)) {
    for (const { responses } of [get, post].filter((operation) => operation !== undefined)) {
      responses['400'] ??= of('`VALIDATION_ERROR`');
      responses['413'] ??= of(
        '`PAYLOAD_TOO_LARGE`: a body above 1 MiB, or an address and headers above 16 KiB together',
      );
    }
    if (post) post.responses['415'] ??= of('`UNSUPPORTED_MEDIA_TYPE`');
  }
}

/** What an edit does not send keeps its value: the defaults that its schemas inherit would say otherwise. */
function withoutDefaultsInEdits({ components }: OpenAPIObject): void {
  for (const [name, schema] of Object.entries(components?.schemas ?? {})) {
    if (!/Edit/.test(name) || !('properties' in schema)) continue;
    for (const property of Object.values(schema.properties ?? {}))
      if ('default' in property) delete property.default;
  }
}
