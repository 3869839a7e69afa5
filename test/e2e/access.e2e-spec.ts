import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Operation, operations } from '../support/operations';
import { type RawAnswer, type RawRequest, send } from '../support/raw-http';
import { Service, temporaryFolder } from '../support/service';

const BASE = '/api/v1/daemon';
const SECRETS = ['value-of-the-environment', 'value-of-the-header', 'whsec-of-the-webhook'];
const TOKENS = { default: 'token-of-the-owner', ci: 'token-of-the-ci', dashboard: 'token-of-the-dashboard' };
const as = (name: keyof typeof TOKENS) => ({ authorization: `Bearer ${TOKENS[name]}` });
const isHealth = ({ template }: Operation) => template.startsWith(`${BASE}/health`);
const title = ({ method, template }: Operation) => `${method} ${template}`;

const STRANGERS: Record<string, Record<string, string>> = {
  'no token': {},
  'a wrong token': { authorization: 'Bearer token-of-the-owner-and-more' },
  'an empty token': { authorization: 'Bearer ' },
  'the beginning of a token': { authorization: 'Bearer token-of-the-owne' },
  'the token under another scheme': { authorization: `Basic ${TOKENS.default}` },
  'the token in another header': { 'x-api-key': TOKENS.default, cookie: `token=${TOKENS.default}` },
};

let service: Service;
let programId: string;
let temporaryId: string;
const tokensFolder = temporaryFolder();

const call = (request: RawRequest): Promise<RawAnswer> => send(service.address, request);

function pathOf({ template }: Operation): string {
  return template.replace('{id}', template.includes('/quick-start/') ? temporaryId : programId);
}

/** A request that would do something if it were let through. */
function asked(operation: Operation, headers: Record<string, string>): RawRequest {
  const { method } = operation;
  const isPost = method === 'POST';
  return {
    method,
    path: pathOf(operation),
    headers: { ...headers, ...(isPost && { 'content-type': 'application/json', 'content-length': '2' }) },
    body: isPost ? '{}' : undefined,
  };
}

/** What can be changed, but for how long it has been so. */
async function everything(): Promise<unknown> {
  const headers = as('default');
  const programs = await call({ path: `${BASE}/programs`, headers });
  const status: RawAnswer = await call({ path: `${BASE}/status`, headers });
  const ephemeral: RawAnswer = await call({ path: `${BASE}/quick-start`, headers });
  return [programs.body, ...[status, ephemeral].map(({ body }) => body.map((entry: any) => entry.pid))];
}

beforeAll(async () => {
  const file = join(tokensFolder, 'tokens.json');
  const entries = [
    { name: 'ci', role: 'admin', token: TOKENS.ci },
    { name: 'dashboard', role: 'read', token: TOKENS.dashboard },
  ];
  writeFileSync(file, JSON.stringify(entries), { mode: 0o600 });
  service = await Service.start({
    env: { DAEMON_TOKEN: TOKENS.default, DAEMON_TOKENS_FILE: file, DAEMON_LOG_LEVEL: 'debug' },
  });
  const added = await service.post(
    'programs/add',
    {
      name: 'Kept Secret',
      command: 'exec sleep 1000',
      user: 'root',
      start_seconds: 0,
      environment: { PASSWORD: SECRETS[0] },
      webhooks: {
        enabled: false,
        urls: ['https://hooks.example.com/'],
        headers: { 'X-Key': SECRETS[1] },
        secret: SECRETS[2],
      },
    },
    as('ci'),
  );
  programId = added.body.program.id;
  await service.post(`programs/${programId}/start`, {}, as('ci'));
  const launched = await service.post(
    'quick-start',
    { command: 'exec sleep 1000', user: 'root', environment: { PASSWORD: SECRETS[0] } },
    as('ci'),
  );
  temporaryId = launched.body.temporary_id;
});
afterAll(() => service.dispose());

describe.each(Object.entries(STRANGERS))('with %s', (_title, headers) => {
  it('every route but health answers 401, and nothing changes', async () => {
    const before = await everything();
    expect(operations.length).toBeGreaterThanOrEqual(30);
    for (const operation of operations.filter((each) => !isHealth(each))) {
      const { status, body, headers: answered } = await call(asked(operation, headers));
      expect([title(operation), status, body]).toEqual([
        title(operation),
        401,
        { success: false, code: 'UNAUTHORIZED', error: expect.stringContaining('Bearer') },
      ]);
      expect(answered['www-authenticate']).toMatch(/^Bearer/);
    }
    expect(await everything()).toEqual(before);
  });

  it('health and the documentation are open, and tell no secret', async () => {
    for (const path of [`${BASE}/health`, `${BASE}/health/live`, '/docs', '/openapi.json', '/openapi.yaml']) {
      const { status, text } = await call({ path, headers });
      expect([path, status]).toEqual([path, 200]);
      expect(text).not.toContain('kept-secret');
    }
  });

  it('what does not exist can not be told from what does', async () => {
    for (const path of [
      '/',
      '/nothing',
      '/metrics',
      `${BASE}`,
      `${BASE}/programs/nothing`,
      '/docsx',
      '/.env',
    ]) {
      for (const method of ['GET', 'HEAD', 'POST', 'OPTIONS', 'PUT', 'DELETE', 'PATCH', 'TRACE']) {
        const { status } = await call({ method, path, headers });
        expect([method, path, status]).toEqual([method, path, 401]);
      }
    }
  });
});

describe('paths that mean to be mistaken for open ones', () => {
  it.each([
    `/api/v1/daemon/health/../programs`,
    `/api/v1/daemon/health/%2e%2e/programs`,
    `/api/v1/daemon/health/..%2fprograms`,
    `/api/v1/daemon/health;/../programs`,
    `/api/v1/daemon/health/live/../../programs`,
    `/docs/../api/v1/daemon/programs`,
    `/docs/%2e%2e/api/v1/daemon/programs`,
    `/docs/..%2f..%2f..%2fpackage.json`,
    `/docs/..%5c..%5cpackage.json`,
    `//api/v1/daemon/programs`,
    `/api//v1/daemon/programs`,
    `/api/v1/daemon/programs/`,
    `/API/V1/DAEMON/PROGRAMS`,
    `/api/v1/daemon/%70rograms`,
    `/api/v1/daemon/programs?/health`,
    `/api/v1/daemon/programs#/health`,
    `/api/v1/daemon/programs%00/health`,
    `/api/v1/daemon/programs/%ff`,
    `http://localhost/api/v1/daemon/programs`,
    `/openapi.json/../metrics`,
    `/./api/v1/daemon/programs`,
    `*`,
  ])('%s stays closed', async (path) => {
    const headers = {
      'x-original-url': `${BASE}/health`,
      'x-rewrite-url': `${BASE}/health`,
      'x-forwarded-for': '127.0.0.1',
    };
    const { status, text, body } = await call({ path, headers });
    expect([400, 401, 404]).toContain(status);
    expect(body).toMatchObject({ success: false });
    expect(text).not.toMatch(/kept-secret|"dependencies"/);
  });
});

describe('with a token for reading', () => {
  it('every GET works and shows no secret; an admin sees the environment', async () => {
    const seen: string[] = [];
    const gets = operations.filter(({ method }) => method === 'GET');
    for (const operation of gets) {
      const answer = await call(asked(operation, as('dashboard')));
      expect([title(operation), answer.status]).toEqual([title(operation), 200]);
      seen.push(answer.text);
    }
    for (const query of ['?include_status=true', '?include_stats=true'])
      seen.push((await call({ path: `${BASE}/programs${query}`, headers: as('dashboard') })).text);
    seen.push(
      (await call({ path: `${BASE}/events`, headers: { ...as('dashboard'), 'last-event-id': '0' } })).text,
    );
    for (const secret of SECRETS) expect(seen.join()).not.toContain(secret);
    expect(seen.join()).toContain('"PASSWORD":"***"');
    expect(seen.join()).toContain('"X-Key":"***"');

    const { body } = await call({ path: `${BASE}/programs/${programId}`, headers: as('default') });
    expect(body).toMatchObject({
      environment: { PASSWORD: SECRETS[0] },
      webhooks: { headers: { 'X-Key': SECRETS[1] }, secret_set: true },
    });
  });

  it('everything that could change something is 403, dry runs too, and nothing changes', async () => {
    const before = await everything();
    for (const operation of operations.filter(({ method }) => method === 'POST')) {
      for (const suffix of ['', '?dry_run=true']) {
        const request = asked(operation, { ...as('dashboard'), 'x-http-method-override': 'GET' });
        const { status, body } = await call({ ...request, path: request.path + suffix });
        expect([title(operation), status, body]).toEqual([
          title(operation),
          403,
          { success: false, code: 'FORBIDDEN', error: expect.stringContaining('"dashboard"') },
        ]);
      }
    }
    expect(await everything()).toEqual(before);
  });

  it('a method that does not exist is refused before it is looked up', async () => {
    for (const method of ['PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      const { status } = await call({ method, path: `${BASE}/programs`, headers: as('dashboard') });
      expect([method, status]).toEqual([method, 403]);
    }
  });
});

describe('with a token of an admin', () => {
  it.each(['default', 'ci'] as const)('"%s" may do everything', async (name) => {
    for (const operation of operations) {
      const request = asked(operation, as(name));
      // Of the changes only those that find nothing to change: the others have tests of their own.
      const path = request.path.replace(temporaryId, 'eph-000000000000');
      const isChange = operation.method === 'POST';
      if (isChange && operation.template.endsWith('/reset')) continue;
      const { status } = await call({
        ...request,
        path: isChange ? path.replace(programId, 'nothing') : path,
      });
      expect([401, 403]).not.toContain(status);
      expect(status).toBeLessThan(500);
    }
  });

  it('other methods are 405 with Allow, HEAD answers like GET without a body', async () => {
    const put = await call({ method: 'PUT', path: `${BASE}/programs`, headers: as('ci') });
    expect([put.status, put.headers.allow, put.body.code]).toEqual([405, 'GET, HEAD', 'METHOD_NOT_ALLOWED']);
    const head = await call({ method: 'HEAD', path: `${BASE}/programs`, headers: as('ci') });
    expect([head.status, head.text]).toEqual([200, '']);
    expect((await call({ path: '/nothing', headers: as('ci') })).body.code).toBe('NOT_FOUND');
  });
});

it('the log names the token of who changed something, and holds no secret', async () => {
  expect(service.output).toContain('"who":"dashboard"');
  for (const secret of [...SECRETS, ...Object.values(TOKENS)]) expect(service.output).not.toContain(secret);
});

describe('without a token', () => {
  it.each(['0.0.0.0', '::', 'example.com'])('refuses to listen on %s, in one line', async (host) => {
    const open = new Service({ env: { DAEMON_HOST: host } });
    const { code, output } = await open.startToFail();
    await open.dispose();
    expect(code).toBe(1);
    expect(output.trim().split('\n')).toEqual([expect.stringMatching(/^DAEMON_HOST .*set DAEMON_TOKEN/)]);
  });
});
