import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, getSchemaPath, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import type {
  OperationObject,
  PathItemObject,
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
      const { allOf: [reference] = [], nullable, type: _type, ...rest } = property;
      if (nullable) schema.properties![name] = { ...rest, anyOf: [reference!, NULL_SCHEMA] };
      else if (Object.keys(property).length === 1) schema.properties![name] = reference!;
    }
  }
}

interface CommonError {
  name: string;
  codes: ErrorCode[];
  concerns: (operation: OperationObject) => boolean;
}

/** What the edge of the service answers, whatever the route. */
const COMMON_ERRORS: CommonError[] = [
  { name: 'Unauthorized', codes: ['UNAUTHORIZED'], concerns: needsToken },
  { name: 'Forbidden', codes: ['FORBIDDEN', 'FORBIDDEN_ORIGIN', 'FORBIDDEN_HOST'], concerns: () => true },
  { name: 'PayloadTooLarge', codes: ['PAYLOAD_TOO_LARGE'], concerns: takesBody },
  { name: 'UnsupportedMediaType', codes: ['UNSUPPORTED_MEDIA_TYPE'], concerns: takesBody },
  { name: 'InternalError', codes: ['INTERNAL_ERROR'], concerns: () => true },
];

/** As components, so that each is there once. */
function withCommonErrors(document: OpenAPIObject): void {
  const components = (document.components ??= {});
  const responses = (components.responses ??= {});
  const operations = Object.values(document.paths).flatMap((path: PathItemObject) =>
    [path.get, path.post].filter((operation) => operation !== undefined),
  );
  for (const { name, codes, concerns } of COMMON_ERRORS) {
    responses[name] = {
      description: codes.map((code) => `\`${code}\``).join(', '),
      content: {
        'application/json': {
          schema: { $ref: getSchemaPath(ErrorDto) },
          examples: errorExamples(codes),
        },
      },
    };
    for (const operation of operations.filter(concerns))
      operation.responses[STATUS_OF[codes[0]!]] = { $ref: `#/components/responses/${name}` };
  }
}

function needsToken({ security }: OperationObject): boolean {
  return security === undefined;
}

function takesBody({ requestBody }: OperationObject): boolean {
  return requestBody !== undefined;
}
