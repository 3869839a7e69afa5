import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { Body, Controller, Get, Module, Param, Post, Query, Res } from '@nestjs/common';
import { APP_GUARD, NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { AllExceptionsFilter } from '../errors/all-exceptions.filter';
import type { Settings } from '../settings/settings';
import { configureHttp } from './configure-http';
import { BODY_LIMIT_BYTES, fastifyOptions } from './fastify-options';
import { IgnoresQuery, KnownQueryGuard } from './known-query.guard';

const BASE = '/api/v1/daemon';
const TOKEN = { authorization: 'Bearer correct-horse' };

@Controller('programs')
class ProgramsController {
  @Get()
  list(@Query() query: object): object {
    return { query };
  }

  @Get(':id')
  show(@Param('id') id: string): object {
    return { id };
  }

  @Get(':id/logs')
  logs(@Param('id') id: string, @Query('lines') lines: string): object {
    return { id, lines };
  }

  @Post('add')
  add(@Body() body: unknown): object {
    return { body: body === undefined ? 'nothing' : body };
  }

  @Get(':id/stream')
  stream(@Res() reply: FastifyReply): void {
    reply.hijack();
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream' }).end('data: 1\n\n');
  }

  @Post(':id/break')
  break(): never {
    throw new TypeError('a secret of the implementation');
  }
}

@Controller('health')
class HealthController {
  @Get()
  @IgnoresQuery()
  health(): object {
    return { status: 'healthy' };
  }
}

@Module({
  controllers: [ProgramsController, HealthController],
  providers: [{ provide: APP_GUARD, useClass: KnownQueryGuard }],
})
class TinyModule {}

let app: NestFastifyApplication;
let port: number;

beforeAll(async () => {
  app = await NestFactory.create<NestFastifyApplication>(TinyModule, new FastifyAdapter(fastifyOptions()), {
    bodyParser: false,
    logger: false,
  });
  await configureHttp(app.getHttpAdapter().getInstance(), {
    tokens: [{ name: 'ops', role: 'admin', token: 'correct-horse' }],
    allowedHosts: [],
    allowedOrigins: ['https://panel.example.com'],
    socket: null,
    metricsPublic: false,
  } as unknown as Settings);
  app.setGlobalPrefix(BASE);
  app.useGlobalFilters(new AllExceptionsFilter());
  const document = SwaggerModule.createDocument(app, new DocumentBuilder().build());
  SwaggerModule.setup('docs', app, document, {
    jsonDocumentUrl: 'openapi.json',
    yamlDocumentUrl: 'openapi.yaml',
  });
  await app.listen(0, '127.0.0.1');
  port = (app.getHttpAdapter().getInstance().server.address() as AddressInfo).port;
});

afterAll(() => app.close());

interface Sent {
  method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE' | 'OPTIONS' | 'PATCH';
  payload?: string | Buffer;
  headers?: Record<string, string>;
}

async function ask(url: string, { method = 'GET', payload, headers = {} }: Sent = {}) {
  const answer = await app.inject({
    method,
    url,
    headers: { ...TOKEN, ...headers },
    ...(payload !== undefined && { payload }),
  });
  return {
    status: answer.statusCode,
    headers: answer.headers,
    text: answer.body,
    json: <T = any>() => answer.json<T>(),
  };
}

const JSON_TYPE = { 'content-type': 'application/json' };
const add = (payload: string | Buffer | undefined, headers: Record<string, string> = JSON_TYPE) =>
  ask(`${BASE}/programs/add`, { method: 'POST', headers, ...(payload !== undefined && { payload }) });

describe('a body', () => {
  it.each<[string, string | undefined, Record<string, string>, unknown]>([
    ['JSON', '{"name":"web"}', JSON_TYPE, { name: 'web' }],
    [
      'JSON with its charset',
      '{"name":"é"}',
      { 'content-type': 'application/json; charset=UTF-8' },
      { name: 'é' },
    ],
    ['JSON with a quoted charset', '{}', { 'content-type': 'Application/JSON;charset="utf-8"' }, {}],
    ['JSON with a byte order mark', '\uFEFF{}', JSON_TYPE, {}],
    ['null', 'null', JSON_TYPE, null],
    ['an empty one that claims to be JSON', '', JSON_TYPE, 'nothing'],
    ['an empty one that claims to be text', '', { 'content-type': 'text/plain' }, 'nothing'],
    ['an empty one that claims nonsense', '', { 'content-type': 'nonsense' }, 'nothing'],
    ['none at all', undefined, {}, 'nothing'],
    ['none, with a length of 0', undefined, { 'content-length': '0' }, 'nothing'],
    ['none, with a type', undefined, { 'content-type': 'application/x-www-form-urlencoded' }, 'nothing'],
  ])('is taken: %s', async (_what, payload, headers, expected) => {
    const answer = await add(payload, headers);
    expect(answer.json()).toEqual({ body: expected });
    expect(answer.status).toBe(201);
  });

  it.each<[string, string | Buffer, Record<string, string>, number, string]>([
    ['broken JSON', '{"name":', JSON_TYPE, 400, 'VALIDATION_ERROR'],
    ['a key twice', '{"name":"a","name":"b"}', JSON_TYPE, 400, 'VALIDATION_ERROR'],
    ['a prototype', '{"__proto__":{}}', JSON_TYPE, 400, 'VALIDATION_ERROR'],
    ['33 levels', '['.repeat(33) + ']'.repeat(33), JSON_TYPE, 400, 'VALIDATION_ERROR'],
    ['broken UTF-8', Buffer.from([0x22, 0xff, 0x22]), JSON_TYPE, 400, 'VALIDATION_ERROR'],
    [
      'another charset',
      '{}',
      { 'content-type': 'application/json; charset=utf-16' },
      415,
      'UNSUPPORTED_MEDIA_TYPE',
    ],
    ['text', '{}', { 'content-type': 'text/plain' }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['a form', 'a=1', { 'content-type': 'application/x-www-form-urlencoded' }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
    [
      'a relative of JSON',
      '{}',
      { 'content-type': 'application/merge-patch+json' },
      415,
      'UNSUPPORTED_MEDIA_TYPE',
    ],
    ['nonsense', '{}', { 'content-type': 'nonsense' }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['no type', '{}', {}, 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['1 MiB and 1 byte', `"${'x'.repeat(BODY_LIMIT_BYTES - 1)}"`, JSON_TYPE, 413, 'PAYLOAD_TOO_LARGE'],
  ])('is refused: %s', async (_what, payload, headers, status, code) => {
    const answer = await add(payload, headers);
    expect(answer.json()).toMatchObject({ success: false, code, error: expect.any(String) });
    expect(answer.status).toBe(status);
  });

  it('is taken up to 1 MiB', async () => {
    expect((await add(`"${'x'.repeat(BODY_LIMIT_BYTES - 2)}"`)).status).toBe(201);
  });

  it.each<[string, Record<string, string>, string, number]>([
    ['that turns out to be empty', {}, '', 201],
    ['of JSON that turns out to be empty', JSON_TYPE, '', 201],
    ['of JSON', JSON_TYPE, '{}', 201],
    ['without a type', {}, '{}', 415],
    ['that grows over 1 MiB', JSON_TYPE, 'x'.repeat(2 * BODY_LIMIT_BYTES), 413],
  ])('in chunks is judged alike: one %s', async (_what, headers, text, status) => {
    const body = new ReadableStream({
      start(stream) {
        if (text) stream.enqueue(Buffer.from(text));
        stream.close();
      },
    });
    const answer = await fetch(`http://127.0.0.1:${port}${BASE}/programs/add`, {
      method: 'POST',
      headers: { ...TOKEN, ...headers },
      body,
      duplex: 'half',
    });
    expect(answer.status).toBe(status);
    await answer.text();
  });

  it('that is far too large is answered, not reset, for a client that reads only when it has sent all', async () => {
    const size = 8 * BODY_LIMIT_BYTES;
    const head = [
      `POST ${BASE}/programs/add HTTP/1.1`,
      'Host: localhost',
      `Authorization: ${TOKEN.authorization}`,
      'Content-Type: application/json',
      `Content-Length: ${size}`,
    ].join('\r\n');
    const socket = connect(port, '127.0.0.1').setEncoding('utf8').pause();
    await new Promise<void>((sent, failed) => {
      socket.once('error', failed);
      socket.write(`${head}\r\n\r\n`);
      socket.write(Buffer.alloc(size, 'x'), () => sent());
    });
    const [answer] = (await once(socket.resume(), 'data')) as [string];
    socket.destroy();
    expect(answer).toContain('HTTP/1.1 413');
  });

  it('is not looked at before the token', async () => {
    const answer = await add('{"name":', { ...JSON_TYPE, authorization: 'Bearer wrong' });
    expect(answer.json()).toMatchObject({ success: false, code: 'UNAUTHORIZED' });
    expect(answer.headers['www-authenticate']).toBe('Bearer realm="hoody-daemon"');
  });
});

describe('a path', () => {
  it.each<[string, NonNullable<Sent['method']>, string]>([
    ['/programs', 'POST', 'GET, HEAD'],
    ['/programs', 'DELETE', 'GET, HEAD'],
    ['/programs', 'OPTIONS', 'GET, HEAD'],
    ['/programs/add', 'PUT', 'GET, HEAD, POST'],
    ['/programs/web', 'PATCH', 'GET, HEAD'],
    ['/programs/web?x=1', 'POST', 'GET, HEAD'],
    ['/programs/web/break', 'GET', 'POST'],
    ['/programs/a%2fb', 'POST', 'GET, HEAD'],
  ])('%s does not take %s and says that it takes %s', async (path, method, allow) => {
    const answer = await ask(BASE + path, { method });
    expect(answer.json()).toMatchObject({ success: false, code: 'METHOD_NOT_ALLOWED' });
    expect(answer.status).toBe(405);
    expect(answer.headers.allow).toBe(allow);
  });

  it.each([
    ['/'],
    ['/nothing'],
    [`${BASE}`],
    [`${BASE}/nothing`],
    [`${BASE}/programs/`],
    [`${BASE}/PROGRAMS`],
    [`${BASE}//programs`],
    [`${BASE}/programs/a/b/c`],
    ['/docs/nothing'],
  ])('%s does not exist', async (path) => {
    for (const method of path.startsWith('/docs')
      ? (['GET'] as const)
      : (['GET', 'POST', 'OPTIONS'] as const)) {
      const answer = await ask(path, { method });
      expect(answer.json()).toMatchObject({ success: false, code: 'NOT_FOUND' });
      expect(answer.status).toBe(404);
    }
  });

  it('with a body of any kind that does not exist is still just that', async () => {
    const answer = await ask('/nothing', {
      method: 'POST',
      payload: '<x/>',
      headers: { 'content-type': 'text/xml' },
    });
    expect(answer.json()).toMatchObject({ code: 'NOT_FOUND' });
  });

  it('answers HEAD like GET, without the body', async () => {
    const answer = await ask(`${BASE}/programs/web`, { method: 'HEAD' });
    expect(answer.status).toBe(200);
    expect(answer.text).toBe('');
  });

  it('with a very long id is a program that there is not', async () => {
    expect((await ask(`${BASE}/programs/${'x'.repeat(5000)}`)).status).toBe(200);
  });

  it.each([['/%zz'], [`${BASE}/programs/%ff`]])('%s with a broken encoding is refused', async (path) => {
    const answer = await ask(path);
    expect(answer.json()).toMatchObject({ success: false, code: 'VALIDATION_ERROR' });
    expect(answer.status).toBe(400);
  });
});

describe('a query', () => {
  it.each([
    [`${BASE}/programs/web?verbose=1`, 'verbose'],
    [`${BASE}/programs/web?__proto__=1`, '__proto__'],
    [`${BASE}/programs?__proto__=1`, '__proto__'],
    [`${BASE}/programs?enabled=true&enabled=false`, 'enabled'],
    [`${BASE}/programs/web/logs?lines=1&tail=1`, 'tail'],
    [`${BASE}/programs/web/logs?lines=1&lines=2`, 'lines'],
  ])('is refused by name: %s', async (url, field) => {
    const answer = await ask(url);
    expect(answer.json()).toMatchObject({ code: 'VALIDATION_ERROR', details: [{ field }] });
  });

  it.each([
    [`${BASE}/programs?enabled=true`],
    [`${BASE}/programs/web/logs?lines=1`],
    [`${BASE}/health?cache=1&cache=2`],
    ['/docs?x=1&x=2'],
    ['/openapi.json?x=1'],
  ])('is taken: %s', async (url) => {
    expect((await ask(url)).status).toBe(200);
  });
});

describe('every answer', () => {
  it.each([
    ['data', `${BASE}/programs`],
    ['an error', `${BASE}/nothing`],
    ['an event stream', `${BASE}/programs/web/stream`],
    ['metrics, or their absence', '/metrics'],
  ])('forbids browsers to load, run, frame or keep anything: %s', async (_what, url) => {
    const { headers } = await ask(url);
    expect(headers).toMatchObject({
      'content-security-policy':
        "default-src 'none';base-uri 'none';form-action 'none';frame-ancestors 'none'",
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
    });
    expect(headers).not.toHaveProperty('x-powered-by');
    expect(headers).not.toHaveProperty('strict-transport-security');
  });

  it('carries the CORS header for an allowed origin, an event stream too', async () => {
    const { headers } = await ask(`${BASE}/programs/web/stream`, {
      headers: { origin: 'https://panel.example.com' },
    });
    expect(headers['access-control-allow-origin']).toBe('https://panel.example.com');
  });

  it.each([
    ['trace-1.a_B', true],
    ['x'.repeat(128), true],
    ['x'.repeat(129), false],
    ['a b', false],
    ['a\u00e9', false],
    ['', false],
  ])('repeats the request id %j: %s', async (id, repeated) => {
    for (const path of [`${BASE}/programs`, '/nothing', '/%zz']) {
      const answer = await ask(path, { headers: { 'x-request-id': id } });
      if (repeated) expect(answer.headers['x-request-id']).toBe(id);
      else expect(answer.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    }
  });

  it('says nothing of what broke inside', async () => {
    const answer = await ask(`${BASE}/programs/web/break`, { method: 'POST' });
    expect(answer.status).toBe(500);
    expect(answer.json()).toMatchObject({ success: false, code: 'INTERNAL_ERROR' });
    expect(answer.text).not.toContain('secret');
  });
});

describe('the documentation', () => {
  it.each([
    ['/docs'],
    ['/docs/'],
    ['/docs/swagger-ui-init.js'],
    ['/docs/swagger-ui-bundle.js'],
    ['/docs/swagger-ui.css'],
    ['/openapi.json'],
    ['/openapi.yaml'],
  ])('%s needs no token', async (url) => {
    const answer = await app.inject({ url, headers: { host: 'localhost' } });
    expect(answer.statusCode).toBe(200);
  });

  it('has no script in its page and loads nothing from elsewhere, as its policy demands', async () => {
    const { text, headers } = await ask('/docs');
    expect(headers['content-security-policy']).toContain("script-src 'self';");
    expect(text.match(/<script(?![^>]*\bsrc=)[^>]*>/g)).toBeNull();
    expect(text.match(/(?:src|href)="?(?:https?:)?\/\/[^"]*/g)).toBeNull();
  });
});
