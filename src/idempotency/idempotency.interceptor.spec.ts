import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Body, Controller, Global, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { StatePaths } from '../config-store/state-paths';
import { DaemonError } from '../domain/errors';
import { AllExceptionsFilter } from '../errors/all-exceptions.filter';
import { configureHttp } from '../http/configure-http';
import { fastifyOptions } from '../http/fastify-options';
import type { Settings } from '../settings/settings';
import { IdempotencyModule } from './idempotency.module';
import { Idempotent } from './idempotent.decorator';

let runs = 0;
let folder: string;
let app: NestFastifyApplication;

@Controller('programs')
class ProgramsController {
  @Post('add')
  @Idempotent()
  add(@Body() body: { fail?: string } = {}): object {
    runs++;
    if (body.fail === 'conflict')
      throw new DaemonError('PROGRAM_ALREADY_EXISTS', 'Take another name.', { id: 'web', runs });
    if (body.fail === 'bug') throw new TypeError('a bug');
    return { success: true, runs };
  }
}

@Global()
@Module({
  providers: [{ provide: StatePaths, useFactory: () => new StatePaths(folder) }],
  exports: [StatePaths],
})
class PathsModule {}

@Module({ imports: [PathsModule, IdempotencyModule], controllers: [ProgramsController] })
class TinyModule {}

async function start(): Promise<NestFastifyApplication> {
  const started = await NestFactory.create<NestFastifyApplication>(
    TinyModule,
    new FastifyAdapter(fastifyOptions()),
    {
      bodyParser: false,
      logger: false,
    },
  );
  await configureHttp(started.getHttpAdapter().getInstance(), {
    tokens: [
      { name: 'ops', role: 'admin', token: 'one' },
      { name: 'dev', role: 'admin', token: 'two' },
    ],
    allowedHosts: [],
    allowedOrigins: [],
    socket: null,
  } as unknown as Settings);
  started.useGlobalFilters(new AllExceptionsFilter());
  return started.init();
}

beforeEach(async () => {
  runs = 0;
  folder = mkdtempSync(join(tmpdir(), 'idempotency-'));
  app = await start();
});

afterEach(async () => {
  await app.close();
  rmSync(folder, { recursive: true });
});

async function add(key: string | null, body: object = {}, token = 'one') {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const answer = await app.inject({
    method: 'POST',
    url: '/programs/add',
    headers: key === null ? headers : { ...headers, 'idempotency-key': key },
    payload: JSON.stringify(body),
  });
  return { status: answer.statusCode, text: answer.body, replayed: answer.headers['idempotency-replayed'] };
}

describe('Idempotency-Key', () => {
  it.each<[string, object, number]>([
    ['success', {}, 201],
    ['conflict', { fail: 'conflict' }, 409],
  ])('repeats an answer to the letter, after a restart too: %s', async (_what, body, status) => {
    const first = await add('k', body);
    expect(first).toMatchObject({ status, replayed: undefined });
    expect(await add('k', body)).toEqual({ ...first, replayed: 'true' });
    await app.close();
    app = await start();
    expect(await add('k', body)).toEqual({ ...first, replayed: 'true' });
    expect(runs).toBe(1);
  });

  it('does not repeat a 5xx', async () => {
    expect((await add('k', { fail: 'bug' })).status).toBe(500);
    expect((await add('k', { fail: 'bug' })).status).toBe(500);
    expect(runs).toBe(2);
  });

  it('is another key for another caller', async () => {
    await add('k');
    expect(await add('k', { other: true }, 'two')).toMatchObject({ status: 201, replayed: undefined });
  });

  it('does nothing where it is not sent', async () => {
    await add(null);
    await add(null);
    expect(runs).toBe(2);
  });

  it('is refused for another request', async () => {
    await add('k');
    const answer = await add('k', { other: true });
    expect(answer.status).toBe(422);
    expect(JSON.parse(answer.text)).toMatchObject({ success: false, code: 'IDEMPOTENCY_MISMATCH' });
  });

  it.each([
    ['x'.repeat(255), 201],
    ['x'.repeat(256), 400],
    ['', 400],
    ['a b', 400],
    ['a, b', 400],
    ['é', 400],
    ['!~', 201],
  ])('may be 1 to 255 visible characters: %j gets %d', async (key, status) => {
    const answer = await add(key);
    expect(answer.status).toBe(status);
    if (status === 400)
      expect(JSON.parse(answer.text)).toMatchObject({ details: [{ field: 'Idempotency-Key' }] });
  });

  it('is in the OpenAPI document', () => {
    const document = SwaggerModule.createDocument(app, new DocumentBuilder().build());
    expect(document.paths['/programs/add']?.post?.parameters).toEqual([
      expect.objectContaining({ name: 'Idempotency-Key', in: 'header', required: false }),
    ]);
  });
});
