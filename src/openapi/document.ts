import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, getSchemaPath, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import type {
  OperationObject,
  ResponseObject,
  SchemaObject,
} from '@nestjs/swagger/dist/interfaces/open-api-spec.interface';
import { VERSION } from '../version';
import type { ErrorCode } from '../domain/errors';
import { STATUS_OF } from '../errors/error-status';
import { ErrorDto } from './error.dto';
import { errorExamples } from './error.examples';

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
    .build();
  const document = SwaggerModule.createDocument(app, config, {
    operationIdFactory: (_controller, method) => method,
  });
  withoutDefaultsInEdits(document);
  withExactReferences(document);
  withCommonErrors(document);
  return document;
}

/** What an edit does not send keeps its value: the defaults that its schemas inherit would say otherwise. */
function withoutDefaultsInEdits({ components }: OpenAPIObject): void {
  for (const [name, schema] of Object.entries(components?.schemas ?? {})) {
    if (!/Edit/.test(name) || !('properties' in schema)) continue;
    for (const property of Object.values(schema.properties ?? {}))
      if ('default' in property) delete property.default;
  }
}

/** The only value of an OpenAPI 3.0 schema that is null. */
const NULL_SCHEMA: SchemaObject = { type: 'object', nullable: true, enum: [null] };

/**
 * Nest wraps references in `allOf`. Where nothing stands beside it, it needs no wrapping; and `nullable` beside
 * it would not let null through, because the schema that it refers to does not.
 */
function withExactReferences({ components }: OpenAPIObject): void {
  for (const schema of Object.values(components?.schemas ?? {})) {
    if (!('properties' in schema)) continue;
    for (const [name, property] of Object.entries(schema.properties ?? {})) {
      if (!('allOf' in property) || property.allOf?.length !== 1) continue;
      const { allOf, ...rest } = property;
      if (rest.nullable) schema.properties![name] = { ...rest, anyOf: [allOf[0]!, NULL_SCHEMA] };
      else if (Object.keys(property).length === 1) schema.properties![name] = allOf[0]!;
    }
  }
}

interface CommonError {
  name: string;
  codes: ErrorCode[];
  concerns?: (operation: OperationObject, method: 'get' | 'post') => boolean;
}

/** What the edge of the service answers, whatever the route. A route's own words for the same status stand. */
const COMMON_ERRORS: CommonError[] = [
  { name: 'BadRequest', codes: ['VALIDATION_ERROR'] },
  // A route that is open to all says so by a security of its own.
  { name: 'Unauthorized', codes: ['UNAUTHORIZED'], concerns: ({ security }) => security === undefined },
  { name: 'Forbidden', codes: ['FORBIDDEN', 'FORBIDDEN_ORIGIN', 'FORBIDDEN_HOST'] },
  { name: 'PayloadTooLarge', codes: ['PAYLOAD_TOO_LARGE'] },
  {
    name: 'UnsupportedMediaType',
    codes: ['UNSUPPORTED_MEDIA_TYPE'],
    concerns: (_operation, method) => method === 'post',
  },
  { name: 'InternalError', codes: ['INTERNAL_ERROR'] },
];

/** As components, so that each is there once. */
function withCommonErrors(document: OpenAPIObject): void {
  const responses: Record<string, ResponseObject> = {};
  for (const { name, codes, concerns } of COMMON_ERRORS) {
    const status = STATUS_OF[codes[0]!];
    responses[name] = {
      description: codes.map((code) => `\`${code}\``).join(', '),
      content: {
        'application/json': { schema: { $ref: getSchemaPath(ErrorDto) }, examples: errorExamples(codes) },
      },
    };
    for (const path of Object.values(document.paths))
      for (const method of ['get', 'post'] as const) {
        const operation = path[method];
        if (operation && (concerns?.(operation, method) ?? true))
          operation.responses[status] ??= { $ref: `#/components/responses/${name}` };
      }
  }
  document.components!.responses = responses;
}
