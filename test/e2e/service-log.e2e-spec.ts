import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { Service } from '../support/service';

const TOKEN = 'zebra-token-of-thirty-two-characters';
const ENVIRONMENT_VALUE = 'walrus-environment-value';
const EDITED_VALUE = 'otter-edited-value';
const WEBHOOK_SECRET = 'heron-webhook-secret';
const HEADER_VALUE = 'lynx-header-value';
const authorization = { authorization: `Bearer ${TOKEN}` };

interface LogLine {
  level: string;
  time: string;
  context: string;
  msg: string;
  program?: string;
  request_id?: string;
}

describe('the log of the service', () => {
  let service: Service;
  beforeAll(async () => {
    service = await Service.start({
      env: { DAEMON_TOKEN: TOKEN, DAEMON_LOG_LEVEL: 'info', DAEMON_WEBHOOK_ALLOW_PRIVATE: 'true' },
    });
  });
  afterAll(() => service.dispose());

  const logged = (output = service.output): LogLine[] =>
    output
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as LogLine);
  const loggedUntil = async (isDone: (lines: LogLine[]) => boolean): Promise<LogLine[]> => {
    for (const deadline = Date.now() + 5000; Date.now() < deadline;) {
      const lines = logged();
      if (isDone(lines)) return lines;
      await new Promise((resolve) => setImmediate(resolve));
    }
    throw new Error(`Not logged:\n${service.output}`);
  };
  const lineOf = async (requestId: string): Promise<LogLine> =>
    (await loggedUntil((lines) => lines.some(({ request_id }) => request_id === requestId))).find(
      ({ request_id }) => request_id === requestId,
    )!;
  const post = (path: string, body?: unknown, headers: Record<string, string> = {}) =>
    service.post(path, body, { ...authorization, ...headers });

  it('says at the start what an operator wants to know, and no more', async () => {
    const lines = await loggedUntil((all) => all.some(({ context }) => context === 'Main'));
    expect(lines.map(({ level, context }) => `${level} ${context}`).sort()).toEqual([
      'info Main',
      'info Supervisor',
    ]);
    for (const { time, msg } of lines) {
      expect(time).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
      expect(msg).toEqual(expect.any(String));
    }
  });

  it('has one line for a change, with who, what, outcome, duration and the id of the request', async () => {
    const added = await post(
      'programs/add',
      { name: 'Logged', command: 'sleep 1000', user: 'root', start_seconds: 0 },
      { 'x-request-id': 'my-id.1' },
    );
    expect(added.headers.get('x-request-id')).toBe('my-id.1');
    const common = { level: 'info', context: 'Changes', who: 'default', duration_ms: expect.any(Number) };
    expect(await lineOf('my-id.1')).toMatchObject({
      ...common,
      msg: 'POST /api/v1/daemon/programs/add 201',
      program: 'logged',
      outcome: 'ok',
    });
    await post('programs/nobody/start', undefined, { 'x-request-id': 'my-id.2' });
    expect(await lineOf('my-id.2')).toMatchObject({
      ...common,
      program: 'nobody',
      status: 404,
      outcome: 'PROGRAM_NOT_FOUND',
    });
    await service.post('programs/logged/start', undefined, { 'x-request-id': 'my-id.3' });
    expect(await lineOf('my-id.3')).toMatchObject({ who: '127.0.0.1', outcome: 'UNAUTHORIZED' });
    expect(logged().filter(({ request_id }) => request_id === 'my-id.1')).toHaveLength(1);
  });

  it('makes an id for a request that has none, or one that can harm a log', async () => {
    const requests: Record<string, string>[] = [{}, { 'x-request-id': 'a b"c' }];
    for (const headers of requests) {
      const answer = await post('programs/nobody/stop', undefined, headers);
      const id = answer.headers.get('x-request-id')!;
      expect(id).toMatch(/^[0-9a-f-]{36}$/);
      expect((await lineOf(id)).program).toBe('nobody');
    }
  });

  it('has no line for requests that only look', async () => {
    await service.get('programs', { ...authorization, 'x-request-id': 'only-looks' });
    await post('programs/nobody/stop', undefined, { 'x-request-id': 'after-the-look' });
    await lineOf('after-the-look');
    expect(service.output).not.toContain('only-looks');
  });

  it('says in one line that a program failed, and why, and keeps every secret', async () => {
    const receiver = createServer((request, response) =>
      request.resume().on('end', () => response.writeHead(500).end()),
    );
    await once(receiver.listen(0, '127.0.0.1'), 'listening');
    const { port } = receiver.address() as { port: number };
    try {
      const { body } = await post(
        'programs/add',
        {
          name: 'Secretive',
          command: 'exit 7',
          user: 'root',
          environment: { API_KEY: ENVIRONMENT_VALUE },
          webhooks: {
            urls: [`http://127.0.0.1:${port}/x`],
            secret: WEBHOOK_SECRET,
            headers: { 'x-key': HEADER_VALUE },
            retry: 0,
          },
        },
        { 'idempotency-key': 'secretive' },
      );
      const id = body.program.id;
      await post(
        `programs/edit/${id}`,
        { environment: { API_KEY: EDITED_VALUE } },
        { 'idempotency-key': 'edit' },
      );
      await post(`programs/edit/${id}`, { environment: { 'NO NAME': EDITED_VALUE } });
      await post(`programs/${id}/start`);
      await post('quick-start', { command: 'exit 9', user: 'root', environment: { A: ENVIRONMENT_VALUE } });
      await service.until(
        `/api/v1/daemon/health`,
        () =>
          logged().some(({ context }) => context === 'Webhooks') && service.output.includes('exit_status":9'),
      );
    } finally {
      receiver.close();
    }

    const failures = logged().filter(
      ({ context, program }) => context === 'Failures' && program === 'secretive',
    );
    expect(failures).toHaveLength(1);
    expect(failures[0]).toMatchObject({ level: 'warn', exit_status: 7 });
    expect(failures[0]!.msg).toMatch(/^secretive is FATAL: Failed to start: exited with code 7/);

    const told = service.output + readFileSync(join(service.stateDir, 'events.ndjson'), 'utf8');
    for (const secret of [TOKEN, ENVIRONMENT_VALUE, EDITED_VALUE, WEBHOOK_SECRET, HEADER_VALUE])
      expect({ secret, isTold: told.includes(secret) }).toEqual({ secret, isTold: false });
    // It has to give the first answer again, environment included; what no answer holds is not in it.
    const remembered = readFileSync(join(service.stateDir, 'idempotency.json'), 'utf8');
    for (const secret of [TOKEN, WEBHOOK_SECRET])
      expect({ secret, isKept: remembered.includes(secret) }).toEqual({ secret, isKept: false });
  });
});
