import { connect, type AddressInfo } from 'node:net';
import fastify, { type FastifyInstance } from 'fastify';
import { envelopeOf } from '../errors/error-envelope';
import type { AccessToken, Settings } from '../settings/settings';
import { controlAccess } from './access-control';
import { fastifyOptions } from './fastify-options';

const ADMIN: AccessToken = { name: 'ops', role: 'admin', token: 'correct-horse' };
const READER: AccessToken = { name: 'board', role: 'read', token: 'battery-staple' };
const PROGRAMS = '/api/v1/daemon/programs';
const HEALTH = '/api/v1/daemon/health';

const open: FastifyInstance[] = [];
afterEach(() => Promise.all(open.splice(0).map((server) => server.close())));

function serve(settings: Partial<Settings> = {}): FastifyInstance {
  const server = fastify(fastifyOptions());
  controlAccess(server, {
    tokens: [],
    allowedHosts: [],
    allowedOrigins: [],
    socket: null,
    metricsPublic: false,
    ...settings,
  } as unknown as Settings);
  server.setErrorHandler((error, _request, reply) => {
    const { status, body } = envelopeOf(error);
    return reply.status(status).send(body);
  });
  for (const url of [
    PROGRAMS,
    HEALTH,
    `${HEALTH}/live`,
    '/docs',
    '/docs/*',
    '/openapi.json',
    '/openapi.yaml',
    '/metrics',
  ])
    server.get(url, async (request) => ({ caller: request.caller }));
  server.post(PROGRAMS, async (request) => ({ caller: request.caller }));
  open.push(server);
  return server;
}

type Headers = Record<string, string>;
type Method = 'GET' | 'HEAD' | 'POST' | 'OPTIONS';

/** "ok", or the code of the error. */
async function verdict(
  server: FastifyInstance,
  url: string,
  headers: Headers = {},
  method: Method = 'GET',
): Promise<string> {
  const answer = await server.inject({ method, url, headers: { host: 'localhost:9010', ...headers } });
  return answer.statusCode < 300 ? 'ok' : answer.json<{ code: string }>().code;
}

describe('the Host header', () => {
  it.each([
    ['localhost', 'ok'],
    ['localhost:9010', 'ok'],
    ['LocalHost:9010', 'ok'],
    ['localhost.:9010', 'ok'],
    ['app.localhost:9010', 'ok'],
    ['127.0.0.1:9010', 'ok'],
    ['127.8.9.1', 'ok'],
    ['[::1]:9010', 'ok'],
    ['[0:0:0:0:0:0:0:1]', 'ok'],
    ['evil.example', 'FORBIDDEN_HOST'],
    ['localhost.evil.example', 'FORBIDDEN_HOST'],
    ['notlocalhost', 'FORBIDDEN_HOST'],
    ['127.0.0.1.evil.example', 'FORBIDDEN_HOST'],
    ['127.1', 'FORBIDDEN_HOST'],
    ['0.0.0.0:9010', 'FORBIDDEN_HOST'],
    ['192.168.1.5', 'FORBIDDEN_HOST'],
    ['[::]', 'FORBIDDEN_HOST'],
    ['[::2]', 'FORBIDDEN_HOST'],
    ['user@localhost', 'FORBIDDEN_HOST'],
    ['localhost:9010:1', 'FORBIDDEN_HOST'],
    ['localhost, evil.example', 'FORBIDDEN_HOST'],
  ])('without a token: %s is %s', async (host, expected) => {
    expect(await verdict(serve(), PROGRAMS, { host })).toBe(expected);
  });

  it.each([
    ['api.internal', ['api.internal'], 'ok'],
    ['api.internal:80', ['api.internal'], 'ok'],
    ['API.internal', ['api.internal'], 'ok'],
    ['localhost', ['api.internal'], 'ok'],
    ['a.example.com', ['*.example.com'], 'ok'],
    ['a.b.example.com', ['*.example.com'], 'ok'],
    ['example.com', ['*.example.com'], 'FORBIDDEN_HOST'],
    ['.example.com', ['*.example.com'], 'FORBIDDEN_HOST'],
    ['badexample.com', ['*.example.com'], 'FORBIDDEN_HOST'],
    ['anything', ['*'], 'ok'],
    ['[fd00::1]:9010', ['fd00::1'], 'ok'],
  ])('without a token: %s is, with %j allowed, %s', async (host, allowedHosts, expected) => {
    expect(await verdict(serve({ allowedHosts }), PROGRAMS, { host })).toBe(expected);
  });

  it.each([
    ['evil.example', [], 'ok'],
    ['api.internal', ['api.internal'], 'ok'],
    ['evil.example', ['api.internal'], 'FORBIDDEN_HOST'],
    ['localhost', ['api.internal'], 'FORBIDDEN_HOST'],
  ])('with a token: %s is, with %j allowed, %s', async (host, allowedHosts, expected) => {
    const server = serve({ tokens: [ADMIN], allowedHosts });
    expect(await verdict(server, PROGRAMS, { host, authorization: 'Bearer correct-horse' })).toBe(expected);
  });

  it('is asked for before the token', async () => {
    const server = serve({ tokens: [ADMIN], allowedHosts: ['api.internal'] });
    expect(await verdict(server, PROGRAMS, { host: 'evil.example' })).toBe('FORBIDDEN_HOST');
  });

  it.each([[HEALTH], [`${HEALTH}/live`]])('does not matter for %s', async (url) => {
    expect(await verdict(serve(), url, { host: 'evil.example' })).toBe('ok');
  });

  it.each([['/docs'], ['/docs/swagger-ui.css'], ['/openapi.json'], ['/metrics'], ['/nothing']])(
    'matters for %s',
    async (url) => {
      expect(await verdict(serve(), url, { host: 'evil.example' })).toBe('FORBIDDEN_HOST');
    },
  );

  it('does not matter over a unix socket, which no web page can reach', async () => {
    expect(await verdict(serve({ socket: '/run/hoody.sock' }), PROGRAMS, { host: 'evil.example' })).toBe(
      'ok',
    );
  });

  it.each([
    ['no Host at all, in HTTP/1.0', `GET ${PROGRAMS} HTTP/1.0\r\n\r\n`, 403],
    ['no Host at all, in HTTP/1.1', `GET ${PROGRAMS} HTTP/1.1\r\nConnection: close\r\n\r\n`, 403],
    ['an empty one', `GET ${PROGRAMS} HTTP/1.0\r\nHost:\r\n\r\n`, 403],
    ['two', `GET ${PROGRAMS} HTTP/1.0\r\nHost: localhost\r\nHost: evil.example\r\n\r\n`, 403],
    ['two that are the same', `GET ${PROGRAMS} HTTP/1.0\r\nHost: localhost\r\nhost: localhost\r\n\r\n`, 403],
    ['another in the target', `GET http://evil.example${PROGRAMS} HTTP/1.0\r\nHost: localhost\r\n\r\n`, 403],
    ['the same in the target', `GET http://localhost${PROGRAMS} HTTP/1.0\r\nHost: localhost\r\n\r\n`, 200],
    ['one, in HTTP/1.0', `GET ${PROGRAMS} HTTP/1.0\r\nHost: localhost\r\n\r\n`, 200],
    ['none, for health', `GET ${HEALTH} HTTP/1.0\r\n\r\n`, 200],
  ])('of a raw request: %s', async (_what, bytes, status) => {
    const server = serve();
    await server.listen({ host: '127.0.0.1', port: 0 });
    expect(await firstLine((server.server.address() as AddressInfo).port, bytes)).toContain(` ${status} `);
  });
});

function firstLine(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    socket.on('end', () => resolve(text.split('\r\n', 1)[0]!));
    socket.on('error', reject);
  });
}

describe('the origin of a web page', () => {
  it.each<[string, Headers, string]>([
    ['no browser', {}, 'ok'],
    ['a page of our own', { origin: 'http://localhost:9010' }, 'ok'],
    [
      'a page of our own, as browsers tell it',
      { origin: 'http://localhost:9010', 'sec-fetch-site': 'same-origin' },
      'ok',
    ],
    ['an address that was typed in', { 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' }, 'ok'],
    [
      'a page of our own behind TLS',
      { origin: 'https://localhost:9010', 'x-forwarded-proto': 'https' },
      'ok',
    ],
    ['another scheme', { origin: 'https://localhost:9010' }, 'FORBIDDEN_ORIGIN'],
    ['another port', { origin: 'http://localhost:3000' }, 'FORBIDDEN_ORIGIN'],
    ['another name for the same address', { origin: 'http://127.0.0.1:9010' }, 'FORBIDDEN_ORIGIN'],
    ['another site', { origin: 'https://evil.example' }, 'FORBIDDEN_ORIGIN'],
    ['a sandboxed frame or a file', { origin: 'null' }, 'FORBIDDEN_ORIGIN'],
    ['something garbled', { origin: 'http://localhost:9010, https://evil.example' }, 'FORBIDDEN_ORIGIN'],
    ['nothing', { origin: '' }, 'FORBIDDEN_ORIGIN'],
    [
      'an image on another site',
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' },
      'FORBIDDEN_ORIGIN',
    ],
    [
      'a page on another port',
      { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors' },
      'FORBIDDEN_ORIGIN',
    ],
    [
      'a link on another site',
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' },
      'FORBIDDEN_ORIGIN',
    ],
  ])('%s: %j is %s', async (_who, headers, expected) => {
    expect(await verdict(serve(), PROGRAMS, headers)).toBe(expected);
    expect(await verdict(serve(), PROGRAMS, headers, 'POST')).toBe(expected);
  });

  it.each([[HEALTH], ['/docs'], ['/openapi.json'], ['/metrics'], ['/nothing'], [PROGRAMS]])(
    'is asked for at %s too, and no foreign page gets a CORS header',
    async (url) => {
      const answer = await serve().inject({
        url,
        headers: { host: 'localhost', origin: 'https://evil.example' },
      });
      expect(answer.json()).toMatchObject({ success: false, code: 'FORBIDDEN_ORIGIN' });
      expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    },
  );

  const LINK = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
  it.each<[string, Headers, string]>([
    ['/docs', LINK, 'ok'],
    ['/docs/index.html', LINK, 'ok'],
    ['/docs', { ...LINK, 'sec-fetch-dest': 'iframe' }, 'FORBIDDEN_ORIGIN'],
    ['/docs', { ...LINK, 'sec-fetch-mode': 'no-cors' }, 'FORBIDDEN_ORIGIN'],
    [HEALTH, LINK, 'ok'],
    [HEALTH, { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }, 'ok'],
    ['/metrics', LINK, 'FORBIDDEN_ORIGIN'],
  ])('a link from another site to %s with %j is %s', async (url, headers, expected) => {
    expect(await verdict(serve(), url, headers)).toBe(expected);
  });

  describe('that is allowed', () => {
    const PAGE = 'https://panel.example.com';
    const settings = { tokens: [ADMIN], allowedOrigins: [PAGE] };

    it('may read the answers, errors too', async () => {
      const server = serve(settings);
      const headers = { origin: PAGE, 'sec-fetch-site': 'cross-site' };
      for (const authorization of ['Bearer correct-horse', 'Bearer wrong']) {
        const answer = await server.inject({ url: PROGRAMS, headers: { ...headers, authorization } });
        expect(answer.statusCode).toBe(authorization.endsWith('wrong') ? 401 : 200);
        expect(answer.headers).toMatchObject({
          'access-control-allow-origin': PAGE,
          'access-control-expose-headers': expect.stringContaining('x-request-id'),
          vary: 'Origin',
        });
      }
    });

    it('is told by a preflight, which carries no token, what it may send', async () => {
      const answer = await serve(settings).inject({
        method: 'OPTIONS',
        url: PROGRAMS,
        headers: { origin: PAGE, 'access-control-request-method': 'POST' },
      });
      expect(answer.statusCode).toBe(204);
      expect(answer.headers).toMatchObject({
        'access-control-allow-origin': PAGE,
        'access-control-allow-methods': expect.stringContaining('POST'),
      });
      const allowed = answer.headers['access-control-allow-headers'];
      for (const name of ['authorization', 'content-type', 'idempotency-key', 'last-event-id'])
        expect(allowed).toContain(name);
    });

    it('is not one whose name merely begins alike', async () => {
      expect(await verdict(serve(settings), PROGRAMS, { origin: `${PAGE}.evil.example` })).toBe(
        'FORBIDDEN_ORIGIN',
      );
    });
  });

  it('refuses the preflight of a page that is not allowed', async () => {
    const headers = { origin: 'https://evil.example', 'access-control-request-method': 'POST' };
    expect(await verdict(serve(), PROGRAMS, headers, 'OPTIONS')).toBe('FORBIDDEN_ORIGIN');
  });
});

describe('the token', () => {
  const settings = { tokens: [ADMIN, READER] };

  it.each([
    ['Bearer correct-horse', 'ok'],
    ['bearer correct-horse', 'ok'],
    ['BEARER   correct-horse', 'ok'],
    ['Bearer battery-staple', 'ok'],
    ['Bearer correct-hors', 'UNAUTHORIZED'],
    ['Bearer correct-horse2', 'UNAUTHORIZED'],
    ['Bearer Correct-Horse', 'UNAUTHORIZED'],
    ['Bearer', 'UNAUTHORIZED'],
    ['Bearer ', 'UNAUTHORIZED'],
    ['correct-horse', 'UNAUTHORIZED'],
    ['Basic correct-horse', 'UNAUTHORIZED'],
    ['Bearercorrect-horse', 'UNAUTHORIZED'],
    ['', 'UNAUTHORIZED'],
  ])('"%s" is %s', async (authorization, expected) => {
    expect(await verdict(serve(settings), PROGRAMS, { authorization })).toBe(expected);
  });

  it('that is missing is asked for', async () => {
    const answer = await serve(settings).inject({ url: PROGRAMS });
    expect(answer.statusCode).toBe(401);
    expect(answer.headers['www-authenticate']).toBe('Bearer realm="hoody-daemon"');
  });

  it.each([
    [HEALTH, 'ok'],
    [`${HEALTH}/live`, 'ok'],
    [`${HEALTH}?probe=1`, 'ok'],
    ['/docs', 'ok'],
    ['/docs/swagger-ui-bundle.js', 'ok'],
    ['/openapi.json', 'ok'],
    ['/openapi.yaml', 'ok'],
    ['/metrics', 'UNAUTHORIZED'],
    [PROGRAMS, 'UNAUTHORIZED'],
    ['/nothing', 'UNAUTHORIZED'],
    ['/DOCS', 'UNAUTHORIZED'],
    ['/docsomething', 'UNAUTHORIZED'],
    ['//docs', 'UNAUTHORIZED'],
    [`${HEALTH}/`, 'UNAUTHORIZED'],
    [`/api/v1/daemon/health/../programs`, 'UNAUTHORIZED'],
    [`/api/v1/daemon/%70rograms`, 'UNAUTHORIZED'],
    [`${PROGRAMS}?/docs`, 'UNAUTHORIZED'],
    [`${PROGRAMS}#/docs`, 'UNAUTHORIZED'],
    [`${PROGRAMS};/docs`, 'UNAUTHORIZED'],
  ])('is not given: %s is %s', async (url, expected) => {
    expect(await verdict(serve(settings), url)).toBe(expected);
  });

  it.each([
    ['/docs/../api/v1/daemon/programs'],
    ['/docs/%2e%2e/api/v1/daemon/programs'],
    ['/docs/..%2fapi/v1/daemon/programs'],
  ])('is not given: %s stays inside the documentation', async (url) => {
    const server = serve(settings);
    const seen: (string | undefined)[] = [];
    server.addHook('preHandler', async (request) => void seen.push(request.routeOptions.url));
    await server.listen({ host: '127.0.0.1', port: 0 });
    // inject() and fetch() would tidy the path up first.
    await firstLine(
      (server.server.address() as AddressInfo).port,
      `GET ${url} HTTP/1.0\r\nHost: localhost\r\n\r\n`,
    );
    expect(seen).toEqual(['/docs/*']);
  });

  it('is not needed for metrics when they are public', async () => {
    expect(await verdict(serve({ ...settings, metricsPublic: true }), '/metrics')).toBe('ok');
  });

  it('may hold any character, as the bytes that were sent', async () => {
    const server = serve({ tokens: [{ name: 'ops', role: 'admin', token: 'schlüssel' }] });
    await server.listen({ host: '127.0.0.1', port: 0 });
    const bytes = `GET ${PROGRAMS} HTTP/1.0\r\nHost: localhost\r\nAuthorization: Bearer schlüssel\r\n\r\n`;
    expect(await firstLine((server.server.address() as AddressInfo).port, bytes)).toContain(' 200 ');
  });

  it.each<[Method, string, string]>([
    ['GET', 'battery-staple', 'ok'],
    ['HEAD', 'battery-staple', 'ok'],
    ['POST', 'battery-staple', 'FORBIDDEN'],
    ['POST', 'correct-horse', 'ok'],
  ])('says what is allowed: %s with %s is %s', async (method, token, expected) => {
    expect(await verdict(serve(settings), PROGRAMS, { authorization: `Bearer ${token}` }, method)).toBe(
      expected,
    );
  });
});

describe('the caller', () => {
  it.each<[string, Partial<Settings>, Headers, object]>([
    [
      'the holder of the token',
      { tokens: [ADMIN, READER] },
      { authorization: 'Bearer battery-staple' },
      { name: 'board', role: 'read' },
    ],
    ['anonymous and everything, where there are no tokens', {}, {}, { name: 'anonymous', role: 'admin' }],
  ])('is %s', async (_who, settings, headers, expected) => {
    const answer = await serve(settings).inject({ url: PROGRAMS, headers });
    expect(answer.json()).toEqual({ caller: { ...expected, address: '127.0.0.1' } });
  });

  it('is anonymous and only looking, on an open path without a token', async () => {
    const answer = await serve({ tokens: [ADMIN] }).inject({
      url: HEALTH,
      headers: { authorization: 'Bearer wrong' },
    });
    expect(answer.json()).toMatchObject({ caller: { name: 'anonymous', role: 'read' } });
  });
});
