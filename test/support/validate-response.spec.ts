import { type OpenApiDocument, responseExpectation } from './validate-response';

const json = (schema: object) => ({ content: { 'application/json': { schema } } });
const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });

const document = {
  paths: {
    '/programs': { get: { responses: { 200: json({ type: 'array', items: ref('Program') }) } } },
    '/programs/{id}': {
      get: { responses: { 200: json(ref('Program')), default: { $ref: '#/components/responses/Failed' } } },
      delete: { responses: { 204: { description: 'gone' } } },
    },
    '/programs/latest': {
      get: { responses: { 200: json({ type: 'object', properties: { latest: { type: 'string' } } }) } },
    },
    '/programs/{id}/events': { get: { responses: { 200: { content: { 'text/event-stream': {} } } } } },
    '/either': { get: { responses: { 200: json({ oneOf: [ref('Program'), ref('Envelope')] }) } } },
  },
  components: {
    responses: { Failed: json(ref('Envelope')) },
    schemas: {
      Named: { type: 'object', required: ['name'], properties: { name: { type: 'string' } } },
      Program: {
        allOf: [
          ref('Named'),
          {
            type: 'object',
            required: ['pid'],
            properties: {
              pid: { type: 'integer', nullable: true, minimum: 0, exclusiveMinimum: true },
              owner: { nullable: true, allOf: [ref('Named')] },
              state: { type: 'string', enum: ['RUNNING', 'STOPPED'], nullable: true },
              environment: { type: 'object', additionalProperties: { type: 'string' } },
              started: { type: 'string', format: 'date-time' },
            },
          },
        ],
      },
      Envelope: {
        type: 'object',
        required: ['success', 'code'],
        properties: { success: { type: 'boolean', enum: [false] }, code: { type: 'string' } },
      },
    },
  },
} as unknown as OpenApiDocument;

const expectValid = responseExpectation(document);
const web = { name: 'web', pid: 12 };

describe('a documented answer passes', () => {
  it.each<[string, string, number, unknown]>([
    ['GET', '/programs', 200, []],
    ['GET', '/programs?limit=1', 200, [web, { name: 'db', pid: null }]],
    ['GET', '/programs/web', 200, { ...web, owner: null, state: null, environment: { A: 'b' } }],
    ['GET', '/programs/web', 200, { ...web, owner: { name: 'jo' }, started: '2026-11-22T10:00:00Z' }],
    ['get', '/programs/web', 404, { success: false, code: 'PROGRAM_NOT_FOUND' }],
    ['GET', '/programs/latest', 200, { latest: 'web' }],
    ['DELETE', '/programs/latest', 204, ''],
    ['GET', '/programs/web/events', 200, 'event: state\n\n'],
    ['GET', '/either', 200, { success: false, code: 'X' }],
  ])('%s %s %i %j', (method, path, status, body) => {
    expect(() => expectValid(method, path, status, body)).not.toThrow();
  });
});

describe('an answer that the document does not describe fails', () => {
  it.each<[string, string, string, number, unknown, RegExp]>([
    ['an unknown path', 'GET', '/nothing', 200, {}, /no such method and path/],
    ['a path that goes on', 'GET', '/programs/web/more', 200, web, /no such method and path/],
    ['an unknown method', 'POST', '/programs', 200, [], /no such method and path/],
    ['an unknown status', 'GET', '/programs', 500, {}, /answered 500; documented are 200/],
    ['a missing field', 'GET', '/programs', 200, [{ name: 'web' }], /\/0 must have required property 'pid'/],
    ['a wrong type', 'GET', '/programs/web', 200, { ...web, pid: '12' }, /\/pid must be integer/],
    ['a bound that is exclusive', 'GET', '/programs/web', 200, { ...web, pid: 0 }, /\/pid must be > 0/],
    [
      'null where it is not allowed',
      'GET',
      '/programs/web',
      200,
      { ...web, name: null },
      /\/name must be string/,
    ],
    [
      'a value outside the enum',
      'GET',
      '/programs/web',
      200,
      { ...web, state: 'GONE' },
      /\/state must be equal to one of/,
    ],
    ['a bad date', 'GET', '/programs/web', 200, { ...web, started: 'soon' }, /\/started must match format/],
    [
      'a field that is not named',
      'GET',
      '/programs/web',
      200,
      { ...web, secret: 1 },
      /unevaluatedProperty":"secret"/,
    ],
    [
      'one in a nested object',
      'GET',
      '/programs/web',
      200,
      { ...web, owner: { name: 'jo', uid: 1 } },
      /"uid"/,
    ],
    [
      'a body where none is documented',
      'DELETE',
      '/programs/web',
      204,
      {},
      /with a body that is not in the document/,
    ],
    [
      'JSON instead of text',
      'GET',
      '/programs/web/events',
      200,
      {},
      /with a body that is not in the document/,
    ],
  ])('%s', (_title, method, path, status, body, message) => {
    expect(() => expectValid(method, path, status, body)).toThrow(message);
  });
});
