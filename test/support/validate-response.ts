import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv2019, { type ErrorObject, type ValidateFunction } from 'ajv/dist/2019';
import addFormats from 'ajv-formats';

type Json = Record<string, unknown>;
type Schema = Json & { $ref?: string; properties?: Record<string, Schema> };
interface Response {
  $ref?: string;
  content?: Record<string, { schema?: Schema }>;
}
type PathItem = Record<string, { responses: Record<string, Response> } | undefined>;
export interface OpenApiDocument {
  paths: Record<string, PathItem>;
  components?: { schemas?: Record<string, Schema>; responses?: Record<string, Response> };
}
export type ExpectValidResponse = (method: string, path: string, status: number, body: unknown) => void;

let expectAsShipped: ExpectValidResponse | undefined;

/**
 * Throws unless openapi.json describes this answer: its path, method and status, and its body to the last field
 * (one that the document does not name is an error, too). `path` may have a query; `body` is parsed JSON, or the
 * text of an answer that is not JSON.
 */
export function expectValidResponse(method: string, path: string, status: number, body: unknown): void {
  expectAsShipped ??= responseExpectation(
    JSON.parse(readFileSync(join(__dirname, '../../openapi.json'), 'utf8')) as OpenApiDocument,
  );
  expectAsShipped(method, path, status, body);
}

/** The same for any OpenAPI 3.0 document. */
export function responseExpectation(document: OpenApiDocument): ExpectValidResponse {
  const ajv = new Ajv2019({ strict: false, allErrors: true, logger: false });
  addFormats(ajv);
  ajv.addSchema({ $id: 'openapi', components: { schemas: asParts(document.components?.schemas ?? {}) } });
  const validators = new Map<Schema, ValidateFunction>();

  return (method, path, status, body) => {
    const answer = `${method} ${path} answered ${status}`;
    const response = findResponse(document, method, path, status, answer);
    const schema = response.content?.['application/json']?.schema;
    const isText =
      typeof body === 'string' && Object.keys(response.content ?? {}).some((type) => !isJson(type));
    if (isText) return;
    if (!schema) {
      if (response.content || !isEmpty(body))
        throw new Error(`${answer} with a body that is not in the document.`);
      return;
    }
    const validate = validators.get(schema) ?? ajv.compile(jsonSchemaOf(document, schema));
    validators.set(schema, validate);
    if (!validate(body)) {
      throw new Error(
        `${answer}, but not as documented:\n${explain(validate.errors)}\n${JSON.stringify(body, null, 2)}`,
      );
    }
  };

  function asParts(schemas: Record<string, Schema>) {
    return mapValues(schemas, (schema) => jsonSchemaOf(document, schema, { isPart: true }));
  }
}

function findResponse(
  document: OpenApiDocument,
  method: string,
  path: string,
  status: number,
  answer: string,
): Response {
  const verb = method.toLowerCase();
  const template = Object.keys(document.paths)
    .filter((candidate) => document.paths[candidate]?.[verb] && matches(candidate, path))
    .sort((a, b) => parameterCount(a) - parameterCount(b))[0];
  if (template === undefined) throw new Error(`${answer}, but the document has no such method and path.`);

  const responses = document.paths[template]?.[verb]?.responses ?? {};
  const response = responses[String(status)] ?? responses.default;
  if (!response) throw new Error(`${answer}; documented are ${Object.keys(responses).join(', ')}.`);
  return response.$ref ? resolve<Response>(document, response.$ref) : response;
}

function matches(template: string, path: string): boolean {
  const literals = template.split(/\{[^}]+\}/).map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${literals.join('[^/]+')}$`).test(path.replace(/[?#].*$/s, ''));
}

function parameterCount(template: string): number {
  return template.split('{').length - 1;
}

function isJson(mediaType: string): boolean {
  return mediaType === 'application/json';
}

function isEmpty(body: unknown): boolean {
  return body === undefined || body === null || body === '';
}

/**
 * OpenAPI 3.0's dialect as JSON Schema 2019-09: `nullable`, boolean `exclusiveMinimum`, nothing beside `$ref`.
 * Fields that are not named anywhere are refused where a schema is used, not in the parts that `allOf` and its
 * kin put together (`isPart`), because no part knows the others' fields.
 */
function jsonSchemaOf(document: OpenApiDocument, schema: Schema, { isPart = false } = {}): Schema {
  const whole = (part: Schema) => jsonSchemaOf(document, part);
  const part = (part: Schema) => jsonSchemaOf(document, part, { isPart: true });
  const seal = !isPart && namesProperties(document, schema) ? { unevaluatedProperties: false } : {};
  if (schema.$ref) return { $ref: `openapi${schema.$ref}`, ...seal };

  const { nullable, discriminator: _, exclusiveMinimum, exclusiveMaximum, ...rest } = schema;
  const result: Schema = { ...rest, ...seal };
  if (rest.properties) result.properties = mapValues(rest.properties, whole);
  for (const key of ['items', 'additionalProperties'])
    if (isSchema(rest[key])) result[key] = whole(rest[key]);
  for (const key of COMBINATIONS)
    if (Array.isArray(rest[key])) result[key] = (rest[key] as Schema[]).map(part);
  if (isSchema(rest.not)) result.not = part(rest.not);
  if (exclusiveMinimum === true) [result.exclusiveMinimum, result.minimum] = [rest.minimum, undefined];
  if (exclusiveMaximum === true) [result.exclusiveMaximum, result.maximum] = [rest.maximum, undefined];
  return nullable === true
    ? { anyOf: [withoutUndefined(result), { type: 'null' }] }
    : withoutUndefined(result);
}

const COMBINATIONS = ['allOf', 'anyOf', 'oneOf'];

function namesProperties(document: OpenApiDocument, schema: Schema): boolean {
  if (schema.$ref) return namesProperties(document, resolve<Schema>(document, schema.$ref));
  const parts = COMBINATIONS.flatMap((key) => (schema[key] as Schema[] | undefined) ?? []);
  return Boolean(schema.properties) || parts.some((part) => namesProperties(document, part));
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null;
}

function mapValues<T, R>(record: Record<string, T>, map: (value: T) => R): Record<string, R> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}

function withoutUndefined(schema: Schema): Schema {
  return Object.fromEntries(Object.entries(schema).filter(([, value]) => value !== undefined));
}

/** `#/components/…/Name` */
function resolve<T>(document: OpenApiDocument, reference: string): T {
  const keys = reference.slice('#/'.length).split('/');
  const found = keys.reduce<unknown>((value, key) => (value as Json | undefined)?.[key], document);
  if (found === undefined) throw new Error(`The document refers to ${reference}, which it does not have.`);
  return found as T;
}

function explain(errors: ErrorObject[] | null | undefined): string {
  return (errors ?? [])
    .map(
      ({ instancePath, message, params }) => `  ${instancePath || '/'} ${message} ${JSON.stringify(params)}`,
    )
    .join('\n');
}
