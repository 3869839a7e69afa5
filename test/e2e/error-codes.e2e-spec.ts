import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { Service, temporaryFolder, type Answer } from '../support/service';

const RANGE = { start: 22100, end: 22102 };

describe('errors', () => {
  let service: Service;
  let running: string;
  let fleet: string;
  beforeAll(async () => {
    service = await Service.start();
    running = await service.add({ name: 'Running' });
    await service.post(`programs/${running}/start`);
    fleet = await service.add({ port_range: RANGE });
  });
  afterAll(() => service.dispose());

  const fields = { name: 'new', command: 'sleep 1000', user: 'root' };
  const add = (changed: object) => service.post('programs/add', { ...fields, ...changed });

  const cases: [code: string, status: number, ask: () => Promise<Answer>][] = [
    ['VALIDATION_ERROR', 400, () => add({ command: '' })],
    ['INVALID_PORT_RANGE', 400, () => add({ port_range: { start: 23000, end: 24000 } })],
    ['USER_NOT_FOUND', 400, () => add({ user: 'no-such-user' })],
    ['PORT_REQUIRED', 400, () => service.post(`programs/${fleet}/start`)],
    ['PORT_NOT_IN_RANGE', 400, () => service.post(`programs/${running}/start`, { port: 22100 })],
    [
      'FORBIDDEN_ORIGIN',
      403,
      () =>
        service.post('programs/reset', undefined, {
          origin: 'https://evil.example',
          'sec-fetch-site': 'cross-site',
        }),
    ],
    ['PROGRAM_NOT_FOUND', 404, () => service.get('programs/nobody')],
    ['PROGRAM_NOT_FOUND', 404, () => service.get('quick-start/eph-000000000000/status')],
    ['PROGRAM_ALREADY_EXISTS', 409, () => add({ name: 'rUNNING' })],
    ['PROGRAM_RUNNING', 409, () => service.post(`programs/edit/${running}`, { command: 'sleep 1' })],
    [
      'PROGRAM_DISABLED',
      409,
      async () => service.post(`programs/${await service.add({ enabled: false })}/start`),
    ],
    ['PAYLOAD_TOO_LARGE', 413, () => add({ description: 'x'.repeat(1024 * 1024) })],
    [
      'UNSUPPORTED_MEDIA_TYPE',
      415,
      () => service.post('programs/add', 'name=x', { 'content-type': 'application/x-www-form-urlencoded' }),
    ],
    [
      'START_FAILED',
      422,
      async () =>
        service.post(`programs/${await service.add({ command: 'exit 3', start_seconds: 1 })}/start`),
    ],
    [
      'START_TIMEOUT',
      504,
      async () => service.post(`programs/${await service.add({ start_seconds: 30 })}/start`, { timeout: 1 }),
    ],
    [
      'STOP_TIMEOUT',
      504,
      async () => {
        const id = await service.add({
          command: "trap '' TERM; echo ready; while :; do sleep 0.1; done",
          stop_seconds: 3,
        });
        await service.post(`programs/${id}/start`);
        await service.until(`programs/${id}/logs`, ({ stdout }) => stdout === 'ready\n');
        return await service.post(`programs/${id}/stop`, { timeout: 1 });
      },
    ],
    [
      'IDEMPOTENCY_MISMATCH',
      422,
      async () => {
        const key = { 'idempotency-key': 'one-key' };
        await service.post('programs/add', { ...fields, name: 'keyed' }, key);
        return await service.post('programs/add', { ...fields, name: 'other' }, key);
      },
    ],
  ];

  it.each(cases)('answers %s with %i and the envelope', async (code, status, ask) => {
    const answer = await ask();
    expect(answer).toMatchObject({ status, body: { success: false, error: expect.any(String), code } });
    expect(answer.body.error.length).toBeGreaterThan(10);
  });

  it.each([
    ['NOT_FOUND', 404, 'GET', '/api/v1/daemon/nowhere'],
    ['NOT_FOUND', 404, 'GET', '/'],
    ['METHOD_NOT_ALLOWED', 405, 'DELETE', '/api/v1/daemon/programs'],
    ['METHOD_NOT_ALLOWED', 405, 'GET', '/api/v1/daemon/programs/add/start'],
  ])('answers %s with %i to %s %s', async (code, status, method, path) => {
    const response = await fetch(service.address + path, { method });
    expect(response.status).toBe(status);
    expect(await response.json()).toEqual({ success: false, error: expect.any(String), code });
  });

  it('answers FORBIDDEN_HOST to a name that is not its own', async () => {
    const answer = await new Promise<{ status?: number; text: string }>((resolve, reject) => {
      const options = { path: '/api/v1/daemon/programs', headers: { host: 'rebound.example' } };
      request(service.address, options, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('end', () => resolve({ status: response.statusCode, text }));
      })
        .once('error', reject)
        .end();
    });
    expect(answer.status).toBe(403);
    expect(JSON.parse(answer.text)).toMatchObject({ success: false, code: 'FORBIDDEN_HOST' });
  });

  it('answers VALIDATION_ERROR to JSON that is broken', async () => {
    const { status, body } = await service.post('programs/add', '{"name": ');
    expect({ status, body }).toMatchObject({
      status: 400,
      body: { success: false, code: 'VALIDATION_ERROR' },
    });
  });

  it('names each field that is wrong', async () => {
    const { body } = await add({ start_seconds: -1, stop_signal: 'STOP', colour: 'red' });
    const named = body.details.map(({ field }: { field: string }) => field).sort();
    expect(named).toEqual(['colour', 'start_seconds', 'stop_signal']);
  });

  it.each([
    ['programs?colour=red', 'colour'],
    ['programs?port=1&port=2', 'port'],
    ['programs?enabled=yes', 'enabled'],
    ['programs?port_from=1', 'port_to'],
    ['programs/running?x=1', 'x'],
    ['status?include_stats=1', 'include_stats'],
    ['status/running?lines=1', 'lines'],
    ['programs/running/logs?lines=0', 'lines'],
    ['programs/running/logs?lines=10001', 'lines'],
    ['programs/running/logs?type=both', 'type'],
    ['quick-start?x=1', 'x'],
  ])('names the parameter that is wrong in GET %s', async (path, field) => {
    const { status, body } = await service.get(path);
    expect(status).toBe(400);
    expect(body).toMatchObject({
      code: 'VALIDATION_ERROR',
      details: [{ field, message: expect.any(String) }],
    });
  });

  it('changes nothing on bad input', async () => {
    const file = join(service.stateDir, 'programs.json');
    const before = readFileSync(file, 'utf8');
    await add({ user: 'no-such-user' });
    await add({ port_range: { start: 22100, end: 22100 } });
    await service.post(`programs/edit/${fleet}`, { command: 'true', user: 'no-such-user' });
    expect(readFileSync(file, 'utf8')).toBe(before);
  });

  describe('an action without options', () => {
    const bodies: [string, string | undefined, Record<string, string>][] = [
      ['no body', undefined, {}],
      ['an empty body', '', { 'content-type': 'application/json' }],
      ['an empty body of another type', '', { 'content-type': 'text/plain' }],
      ['null', 'null', { 'content-type': 'application/json' }],
      ['{}', '{}', { 'content-type': 'application/json' }],
    ];

    it.each(bodies)('takes %s', async (_, body, headers) => {
      const send = async (path: string) => {
        const response = await fetch(`${service.address}/api/v1/daemon/${path}`, {
          method: 'POST',
          body,
          headers,
        });
        return [response.status, ((await response.json()) as { message: string }).message];
      };
      const id = await service.add();
      const { body: launched } = await service.post('quick-start', { command: 'sleep 1000', user: 'root' });
      expect(await send(`programs/${id}/start`)).toEqual([200, 'Program started']);
      expect(await send(`programs/${id}/restart`)).toEqual([200, 'Program restarted']);
      expect(await send(`programs/${id}/stop`)).toEqual([200, 'Program stopped']);
      expect(await send(`programs/${id}/disable`)).toEqual([200, 'Program disabled']);
      expect(await send(`programs/${id}/enable`)).toEqual([
        200,
        'Program enabled and registered with supervisord',
      ]);
      expect(await send(`programs/edit/${id}`)).toEqual([200, 'Program updated']);
      expect(await send(`programs/remove/${id}`)).toEqual([200, 'Program removed permanently']);
      expect(await send(`quick-start/${launched.temporary_id}/stop`)).toEqual([
        200,
        'Ephemeral program stopped and removed',
      ]);
    });

    it.each(['programs/running/enable', 'programs/remove/running', 'quick-start/eph-000000000000/stop'])(
      'refuses what POST %s does not know',
      async (path) => {
        const { body } = await service.post(path, { colour: 'red' });
        expect(body).toMatchObject({ code: 'VALIDATION_ERROR', details: [{ field: 'colour' }] });
      },
    );
  });

  it('ignores read-only fields, and sending back what GET gave has no effect', async () => {
    const webhooks = { urls: ['https://hooks.example.com/x'], secret: 'hush' };
    const id = await service.add({ environment: { A: '1' }, description: 'some', webhooks, directory: '/' });
    const { body: shown } = await service.get('programs?include_stats=true');
    const program = shown.find((one: { id: string }) => one.id === id);
    const file = join(service.stateDir, 'programs.json');
    const before = readFileSync(file, 'utf8');
    const { status, body } = await service.post(`programs/edit/${id}`, {
      ...program,
      id: 'another',
      hoody_kit: true,
    });
    expect(status).toBe(200);
    const { status: _, stats: __, ...configured } = program;
    expect(body.program).toEqual(configured);
    expect(readFileSync(file, 'utf8')).toBe(before);
    expect((await service.get('programs/another')).status).toBe(404);
  });

  it.each(['add', 'edit', 'remove', 'reset', 'restore', 'backups', '!!!', 'x'.repeat(65)])(
    'refuses a program named %s, which can not be an id',
    async (name) => expect((await add({ name })).body).toMatchObject({ code: 'VALIDATION_ERROR' }),
  );
});

describe('errors of a service that is set up otherwise', () => {
  it('answers UNAUTHORIZED without the token, and CONFIG_INVALID while programs.json is broken', async () => {
    const stateDir = temporaryFolder();
    writeFileSync(join(stateDir, 'programs.json'), '[{"name": 5}]');
    const service = new Service({ stateDir, env: { DAEMON_TOKEN: 'a-token-of-good-length' } });
    try {
      await service.start();
      expect(await service.get('programs')).toMatchObject({ status: 401, body: { code: 'UNAUTHORIZED' } });
      const broken = await service.get('programs', { authorization: 'Bearer a-token-of-good-length' });
      expect(broken).toMatchObject({
        status: 503,
        body: { success: false, code: 'CONFIG_INVALID', file: expect.stringContaining('programs.json') },
      });
      expect(broken.body.field).toContain('name');
      expect((await service.get('health')).status).toBe(503);
      expect(existsSync(join(stateDir, 'programs.json'))).toBe(true);
    } finally {
      await service.dispose();
    }
  });

  it('answers SUPERVISORD_ERROR to actions, and UNKNOWN for the states, while supervisord hangs', async () => {
    const service = await Service.start();
    try {
      const id = await service.add();
      process.kill(service.supervisorPid, 'SIGSTOP');
      const { status, body } = await service.post(`programs/${id}/start`);
      expect({ status, code: body.code }).toEqual({ status: 503, code: 'SUPERVISORD_ERROR' });
      await service.until(`status/${id}`, ({ status }) => status === 'UNKNOWN');
    } finally {
      await service.dispose();
    }
  });
});
