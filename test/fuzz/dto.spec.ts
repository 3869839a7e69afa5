import { Agent } from 'node:http';
import * as fc from 'fast-check';
import { operations } from '../support/operations';
import { type RawAnswer, send } from '../support/raw-http';
import { Service } from '../support/service';
import { expectValidResponse } from '../support/validate-response';

const SEED = 20_261_122;
const API = '/api/v1/daemon';
const agent = new Agent({ keepAlive: true, maxSockets: 4 });

let service: Service;
beforeAll(async () => {
  service = await Service.start({ env: { DAEMON_LOG_LEVEL: 'error' } });
  await service.add({ name: 'Fixed', environment: { KEPT: 'value' } });
});
afterAll(async () => {
  agent.destroy();
  // Nothing was even worth a line.
  expect(service.output).not.toMatch(/"level":"(error|fatal)"/);
  await service.dispose();
});

/** Never the service's fault, and in the envelope if it is an error. */
async function refusedOrDone(request: {
  method: string;
  path: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
}): Promise<RawAnswer> {
  const answer = await send(service.address, { ...request, agent });
  const { status, body, text, headers } = answer;
  expect(status).toBeLessThan(500);
  if (status >= 400 && request.method !== 'HEAD')
    expect(body).toMatchObject({ success: false, error: expect.any(String), code: expect.any(String) });
  const path = request.path.split('?')[0]!;
  const operation = operations.some(
    ({ method, template }) =>
      method === request.method && new RegExp(`^${template.replace('{id}', '[^/]+')}$`).test(path),
  );
  if (operation)
    expectValidResponse(
      request.method,
      path,
      status,
      headers['content-type']?.includes('json') ? body : text,
    );
  return answer;
}

const json = { 'content-type': 'application/json' };
const everything = async () => [
  (await service.get('programs')).body,
  (await service.get('quick-start')).body.map(({ temporary_id }: any) => temporary_id),
];

/** Any JSON, with names that mean something to the API among its keys. */
const names = operations
  .flatMap(({ body }) => (body?.$ref ? [body.$ref as string] : []))
  .flatMap((reference) => fieldsOf(reference));
const key = fc.oneof(
  fc.constantFrom(...new Set(names)),
  fc.constantFrom('__proto__', 'constructor', 'toString'),
  fc.string(),
);
const { anything } = fc.letrec<{ anything: unknown }>((tie) => ({
  anything: fc.oneof(
    { depthSize: 'medium', withCrossShrink: true },
    fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        null,
        true,
        false,
        -1,
        0,
        1,
        65_536,
        1e308,
        -1e308,
        2 ** 53,
        '',
        '\0',
        '\ud800',
        'nobody',
        'root',
      ),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.integer(),
    ),
    fc.array(tie('anything'), { maxLength: 4 }),
    fc.array(fc.tuple(key, tie('anything')), { maxLength: 5 }).map((entries) => Object.fromEntries(entries)),
  ),
}));
const object = fc
  .array(fc.tuple(key, anything), { maxLength: 6 })
  .map((entries) => Object.fromEntries(entries) as object);

const withBody = operations.filter(
  ({ method, template }) => method === 'POST' && !template.endsWith('/reset'),
);

describe('any JSON as a body', () => {
  it.each(withBody.map((operation) => [operation.name, operation] as const))(
    '%s answers it, and changes nothing unless it says so',
    async (_name, { template }) => {
      let before = await everything();
      await fc.assert(
        fc.asyncProperty(
          fc.oneof(object, anything),
          fc.constantFrom('fixed', 'nothing'),
          async (body, id) => {
            // Nothing that was made up is run: what would be a command is one that does nothing.
            const text = JSON.stringify(body, (name, value: unknown) =>
              name === 'command' && typeof value === 'string' ? 'true' : value,
            );
            const path = template.replace('{id}', id);
            const { status } = await refusedOrDone({ method: 'POST', path, headers: json, body: text });
            const after = await everything();
            if (status >= 400) expect(after).toEqual(before);
            before = after;
            if (!(await hasFixed())) {
              await service.add({ name: 'Fixed', environment: { KEPT: 'value' } });
              before = await everything();
            }
          },
        ),
        { seed: SEED, numRuns: 40 },
      );
    },
  );

  const hasFixed = async () => (await service.get('programs/fixed')).status === 200;
});

describe('any bytes as a body', () => {
  it('are answered and change nothing', async () => {
    const before = await everything();
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 300 }),
        fc.constantFrom(
          'application/json',
          'application/json; charset=utf-8',
          'application/json; charset=utf-16',
          'text/plain',
          'x',
          '',
        ),
        async (bytes, type) => {
          const headers: Record<string, string> = type ? { 'content-type': type } : {};
          const path = `${API}/programs/add`;
          const { status } = await refusedOrDone({ method: 'POST', path, headers, body: Buffer.from(bytes) });
          expect(status).toBeGreaterThanOrEqual(400);
        },
      ),
      { seed: SEED, numRuns: 300 },
    );
    expect(await everything()).toEqual(before);
  });

  it.each<[string, string | Buffer]>([
    ['__proto__', '{"__proto__":{"isAdmin":true},"name":"x","command":"true","user":"root"}'],
    ['__proto__ within', '{"name":"x","command":"true","user":"root","environment":{"__proto__":"x"}}'],
    [
      'constructor.prototype',
      '{"constructor":{"prototype":{"x":1}},"name":"x","command":"true","user":"root"}',
    ],
    ['a field twice', '{"name":"x","name":"y","command":"true","user":"root"}'],
    ['a field twice, once escaped', '{"name":"x","n\\u0061me":"y","command":"true","user":"root"}'],
    ['a million brackets', '['.repeat(1_000_000)],
    ['deep nesting', `{"name":${'['.repeat(5000)}${']'.repeat(5000)}}`],
    [
      'a number with 100,000 digits',
      `{"name":"x","command":"true","user":"root","priority":${'9'.repeat(100_000)}}`,
    ],
    ['a number beyond all', '{"name":"x","command":"true","user":"root","priority":1e999}'],
    ['half a surrogate pair', '{"name":"x\\ud800","command":"true","user":"root"}'],
    ['NUL', '{"name":"x\\u0000","command":"true","user":"root"}'],
    ['invalid UTF-8', Buffer.from('{"name":"\xff\xfe","command":"true","user":"root"}', 'latin1')],
    ['overlong UTF-8', Buffer.from('{"name":"\xc0\xaf","command":"true","user":"root"}', 'latin1')],
    ['tens of thousands of fields', `{${Array.from({ length: 60_000 }, (_, i) => `"f${i}":1`).join()}}`],
    [
      'tens of thousands of URLs',
      JSON.stringify({
        name: 'x',
        command: 'true',
        user: 'root',
        webhooks: { urls: Array(20_000).fill('https://a.example/') },
      }),
    ],
  ])('%s: refused in words, at once', async (_title, body) => {
    const before = await everything();
    const began = Date.now();
    const answer = await refusedOrDone({ method: 'POST', path: `${API}/programs/add`, headers: json, body });
    expect([answer.status, answer.body.code]).toEqual([400, 'VALIDATION_ERROR']);
    expect(answer.text.length).toBeLessThan(20_000);
    expect(Date.now() - began).toBeLessThan(3000);
    expect(await everything()).toEqual(before);
    expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined();
  });
});

describe('any name', () => {
  it('makes a program with an id that can be asked for, or is refused', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', minLength: 1, maxLength: 150 }), async (name) => {
        const fields = JSON.stringify({ name, command: 'true', user: 'root', enabled: false });
        const path = `${API}/programs/add`;
        const { status, body } = await refusedOrDone({ method: 'POST', path, headers: json, body: fields });
        if (status !== 201) return expect(body.code).toMatch(/^(VALIDATION_ERROR|PROGRAM_ALREADY_EXISTS)$/);
        expect(body.program.id).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
        expect((await service.get(`programs/${body.program.id}`)).body.name).toBe(body.program.name);
        expect((await service.post(`programs/remove/${body.program.id}`)).status).toBe(200);
      }),
      { seed: SEED, numRuns: 200 },
    );
  });
});

describe('any path, query and header', () => {
  const visible = fc.string({
    unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
  });

  it('a path', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS'),
        fc.array(visible),
        async (method, parts) => {
          const path = `${API}/${parts.join('/')}`;
          await refusedOrDone({ method, path });
        },
      ),
      { seed: SEED, numRuns: 300 },
    );
  });

  it('an id, percent-encoded', async () => {
    const templates = operations.filter(
      ({ template }) => template.includes('{id}') && !template.endsWith('/stream'),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...templates),
        fc.uint8Array({ minLength: 1, maxLength: 60 }),
        async ({ method, template }, bytes) => {
          const id = [...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
          const { status } = await refusedOrDone({ method, path: template.replace('{id}', id) });
          expect([400, 404, 405]).toContain(status);
        },
      ),
      { seed: SEED, numRuns: 300 },
    );
  });

  it('a query', async () => {
    const gets = operations.filter(({ method }) => method === 'GET');
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...gets),
        fc.array(
          fc.tuple(
            fc.constantFrom('lines', 'type', 'port', 'grep', 'grep_mode', 'since', 'x', '__proto__'),
            fc.oneof(visible, fc.integer().map(String)),
          ),
        ),
        async ({ method, template }, pairs) => {
          const query = pairs.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&');
          await refusedOrDone({ method, path: `${template.replace('{id}', 'fixed')}?${query}` });
        },
      ),
      { seed: SEED, numRuns: 400 },
    );
  });

  it('headers', async () => {
    const header = fc.constantFrom(
      'idempotency-key',
      'last-event-id',
      'x-request-id',
      'accept',
      'accept-encoding',
      'range',
      'if-match',
      'cookie',
      'authorization',
      'x-forwarded-proto',
      'origin',
      'sec-fetch-site',
    );
    const value = fc.uint8Array({ maxLength: 400 }).map((bytes) =>
      Buffer.from(bytes)
        .toString('latin1')
        .replace(/\p{Cc}/gu, '~'),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('GET programs', 'GET events', 'POST programs/add'),
        fc.array(fc.tuple(header, value)),
        async (what, pairs) => {
          const [method, path] = what.split(' ') as [string, string];
          const { status } = await refusedOrDone({
            method,
            path: `${API}/${path}`,
            headers: Object.fromEntries(pairs),
          });
          if (method === 'POST') expect(status).toBeGreaterThanOrEqual(400);
        },
      ),
      { seed: SEED, numRuns: 300 },
    );
  });
});

function fieldsOf(reference: string): string[] {
  const schemas = jest.requireActual<any>('../../openapi.json').components.schemas;
  return Object.keys(schemas[reference.split('/').at(-1)!].properties ?? {});
}
