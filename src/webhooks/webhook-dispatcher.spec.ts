import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Logger } from '@nestjs/common';
import type { ConfigRepository } from '../config-store/config-repository';
import { change } from '../../test/support/a-change';
import { DaemonError } from '../domain/errors';
import { WEBHOOK_DEFAULTS, type Webhooks } from '../domain/program';
import { ChangeFeed } from '../events/change-feed';
import { DELIVERY_POLICY, type DeliveryPolicy } from './delivery-policy';
import type { FailureDetails } from './failure-details';
import { guardedLookup } from './guarded-lookup';
import { WebhookDispatcher } from './webhook-dispatcher';
import { WebhookSender } from './webhook-sender';
import { WebhooksController } from './webhooks.controller';

type Answer = number | ((response: ServerResponse) => void);

describe('The delivery of webhooks', () => {
  let receiver: Receiver;
  let feed: ChangeFeed;
  let webhooks: Map<string, Webhooks | null>;
  let failures: jest.Mocked<FailureDetails>;
  const dispatchers: WebhookDispatcher[] = [];

  beforeEach(async () => {
    jest.spyOn(Logger.prototype, 'warn').mockImplementation();
    receiver = await Receiver.listening();
    feed = new ChangeFeed();
    webhooks = new Map();
    failures = { failureOf: jest.fn().mockReturnValue(null) };
  });

  afterEach(async () => {
    receiver.close();
    await Promise.all(dispatchers.splice(0).map((dispatcher) => dispatcher.onApplicationShutdown()));
    jest.restoreAllMocks();
  });

  it('posts a failure with its diagnosis and last lines, in the Standard Webhooks format', async () => {
    const dispatcher = start({ web: { headers: { Authorization: 'Bearer abc' }, secret: 'hush' } });
    failures.failureOf.mockReturnValue({
      diagnosis: 'port 3000 already in use',
      stderr: ['Error: EADDRINUSE'],
    });
    const failed = change({ to: 'FATAL', exit_status: 1, spawn_error: 'Failed to start', pid: null });
    feed.publish(failed);
    await dispatcher.settled();

    expect(receiver.requests).toHaveLength(1);
    const { headers, body, method } = receiver.requests[0]!;
    const { type: _, ...data } = failed;
    expect(JSON.parse(body)).toEqual({
      type: 'program.state',
      timestamp: failed.time,
      data: { ...data, diagnosis: 'port 3000 already in use', stderr: ['Error: EADDRINUSE'] },
    });
    expect(method).toBe('POST');
    expect(headers).toMatchObject({ 'content-type': 'application/json', authorization: 'Bearer abc' });
    expect(headers['webhook-id']).toMatch(/^msg_[0-9a-f]{32}$/);
    expect(Math.abs(Number(headers['webhook-timestamp']) - Date.now() / 1000)).toBeLessThan(60);
    expect(headers['webhook-signature']).toBe(signed('hush', headers, body));
  });

  it('does not sign without a secret', async () => {
    const dispatcher = start({ web: {} });
    feed.publish(change({ to: 'FATAL' }));
    await dispatcher.settled();
    expect(receiver.requests[0]!.headers).not.toHaveProperty('webhook-signature');
  });

  it('posts the wanted events to every URL, and nothing of other programs and states', async () => {
    const dispatcher = start({
      web: { urls: [receiver.url('/a'), receiver.url('/b')], events: ['RUNNING'] },
      quiet: { enabled: false, events: ['all'] },
      bare: null,
    });
    for (const program of ['web', 'quiet', 'bare', 'eph-abc123def456'])
      for (const to of ['STARTING', 'RUNNING', 'FATAL'] as const) feed.publish(change({ program, to }));
    await dispatcher.settled();
    expect(receiver.requests.map(({ path }) => path).sort()).toEqual(['/a', '/b']);
    expect(receiver.events()).toEqual(['RUNNING', 'RUNNING']);
  });

  it('says that a change was found out afterwards', async () => {
    const dispatcher = start({ web: { events: ['all'] } });
    feed.publish(change({ inferred: true }));
    await dispatcher.settled();
    expect(JSON.parse(receiver.requests[0]!.body).data).toMatchObject({ inferred: true });
  });

  it('delivers without the details of a failure when they cannot be had', async () => {
    const dispatcher = start({ web: {} });
    failures.failureOf.mockImplementation(() => {
      throw new Error('no idea');
    });
    feed.publish(change({ to: 'FATAL' }));
    await dispatcher.settled();
    expect(JSON.parse(receiver.requests[0]!.body).data).not.toHaveProperty('diagnosis');
  });

  it('asks for the details of a failure when it happens, not when its turn comes', async () => {
    const dispatcher = start({ web: {} });
    const first = receiver.holdNext();
    feed.publish(change({ to: 'FATAL' }));
    feed.publish(change({ to: 'FATAL', port: 2 }));
    await first.arrived;
    expect(failures.failureOf.mock.calls).toEqual([
      ['web', null],
      ['web', 2],
    ]);
    first.answer();
    await dispatcher.settled();
  });

  it.each([500, 503, 429, 408])('tries again after a %i under the same id, signed anew', async (status) => {
    const dispatcher = start({ web: { secret: 'hush' } });
    receiver.answers(status, 200);
    feed.publish(change({ to: 'FATAL' }));
    await dispatcher.settled();
    expect(receiver.requests).toHaveLength(2);
    expect(new Set(receiver.requests.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    for (const { headers, body } of receiver.requests)
      expect(headers['webhook-signature']).toBe(signed('hush', headers, body));
    expect(dispatcher.deliveries('web')).toMatchObject([
      {
        outcome: 'delivered',
        attempts: [
          { status, error: `answered ${status}` },
          { status: 200, error: null },
        ],
      },
    ]);
  });

  it('tries again after a network error', async () => {
    const dispatcher = start({ web: {} });
    receiver.answers((response) => response.destroy(), 200);
    feed.publish(change({ to: 'FATAL' }));
    await dispatcher.settled();
    expect(dispatcher.deliveries('web')).toMatchObject([
      { outcome: 'delivered', attempts: [{ status: null, error: expect.any(String) }, { status: 200 }] },
    ]);
  });

  it('gives up after the retries that are allowed', async () => {
    const dispatcher = start({ web: { retry: 2 } });
    receiver.answers(500, 500, 500, 500);
    feed.publish(change({ to: 'FATAL' }));
    await dispatcher.settled();
    expect(receiver.requests).toHaveLength(3);
    expect(dispatcher.deliveries('web')).toMatchObject([{ outcome: 'failed' }]);
    expect(dispatcher.stats()).toEqual({ waiting: 0, in_flight: 0, delivered: 0, failed: 1, dropped: 0 });
  });

  it('does not try again after an answer that will not change', async () => {
    const dispatcher = start({ web: { retry: 5 } });
    receiver.answers(404);
    feed.publish(change({ to: 'FATAL' }));
    await dispatcher.settled();
    expect(receiver.requests).toHaveLength(1);
  });

  it('follows no redirect', async () => {
    const dispatcher = start({ web: { retry: 5 } });
    receiver.answers((response) => response.writeHead(307, { location: receiver.url('/elsewhere') }).end());
    feed.publish(change({ to: 'FATAL' }));
    await dispatcher.settled();
    expect(receiver.requests.map(({ path }) => path)).toEqual(['/']);
    expect(dispatcher.deliveries('web')[0]!.attempts[0]!.error).toBe(
      'answered 307, redirects are not followed',
    );
  });

  it('waits no longer than the timeout for an answer', async () => {
    const dispatcher = start({ web: { retry: 0, timeout: 0.05 } });
    receiver.holdNext();
    feed.publish(change({ to: 'FATAL' }));
    await dispatcher.settled();
    expect(dispatcher.deliveries('web')).toMatchObject([
      { outcome: 'failed', attempts: [{ status: null, error: 'no answer within 0.05 s' }] },
    ]);
  });

  it('reads no more than a little of an endless answer', async () => {
    const dispatcher = start({ web: {} });
    const cut = new Promise((resolve) =>
      receiver.answers((response) => {
        response.on('close', resolve).writeHead(200);
        const more = (): void => void (response.destroyed || response.write('x'.repeat(512), more));
        more();
      }),
    );
    feed.publish(change({ to: 'FATAL' }));
    await dispatcher.settled();
    await cut;
    expect(dispatcher.deliveries('web')).toMatchObject([{ outcome: 'delivered' }]);
  });

  it('keeps the order of events at one URL over retries', async () => {
    const dispatcher = start({ web: { events: ['all'] } });
    receiver.answers(500, 500, 200);
    for (const to of ['STARTING', 'RUNNING', 'FATAL'] as const) feed.publish(change({ to }));
    await dispatcher.settled();
    expect(receiver.events()).toEqual(['STARTING', 'STARTING', 'STARTING', 'RUNNING', 'FATAL']);
  });

  it('drops the oldest that waits when too many wait, and counts it', async () => {
    const dispatcher = start({ web: { events: ['all'] } }, { queue: 2 });
    const held = receiver.holdNext();
    feed.publish(change({ to: 'STARTING' }));
    await held.arrived;
    for (const to of ['RUNNING', 'STOPPING', 'STOPPED'] as const) feed.publish(change({ to }));
    expect(dispatcher.stats()).toMatchObject({ waiting: 2, in_flight: 1, dropped: 1 });
    held.answer();
    await dispatcher.settled();
    expect(receiver.events()).toEqual(['STARTING', 'STOPPING', 'STOPPED']);
    expect(dispatcher.deliveries('web').map(({ event, outcome }) => [event, outcome])).toContainEqual([
      'RUNNING',
      'dropped',
    ]);
  });

  it('bounds what waits for all receivers together', async () => {
    const dispatcher = start({ web: { events: ['all'] }, api: { events: ['all'] } }, { queueOverall: 3 });
    const held = [receiver.holdNext(), receiver.holdNext()];
    feed.publish(change({ program: 'web' }));
    feed.publish(change({ program: 'api' }));
    await Promise.all(held.map(({ arrived }) => arrived));
    for (let i = 0; i < 5; i++) for (const program of ['web', 'api']) feed.publish(change({ program }));
    expect(dispatcher.stats()).toMatchObject({ waiting: 3, dropped: 7 });
    held.forEach(({ answer }) => answer());
    await dispatcher.settled();
  });

  it('sends no more than the allowed number at a time', async () => {
    const programs = Array.from({ length: 5 }, (_, i) => `p${i}`);
    const dispatcher = start(Object.fromEntries(programs.map((id) => [id, {}])), { concurrency: 2 });
    const held = programs.map(() => receiver.holdNext());
    for (const program of programs) feed.publish(change({ program, to: 'FATAL' }));
    for (const [i, { arrived, answer }] of held.entries()) {
      await arrived;
      expect(dispatcher.stats().in_flight).toBeLessThanOrEqual(2);
      expect(receiver.requests.length).toBeLessThanOrEqual(i + 2);
      answer();
    }
    await dispatcher.settled();
    expect(dispatcher.stats()).toMatchObject({ delivered: 5, in_flight: 0 });
  });

  it('remembers the last 50 deliveries of a program, newest first, until it is removed', async () => {
    const dispatcher = start({ web: { events: ['all'] } });
    for (let port = 1; port <= 60; port++) feed.publish(change({ port, time: `t${port}` }));
    await dispatcher.settled();
    const times = dispatcher.deliveries('web').map(({ time }) => time);
    expect(times).toEqual(Array.from({ length: 50 }, (_, i) => `t${60 - i}`));
    feed.publishConfig('removed', 'web');
    expect(dispatcher.deliveries('web')).toEqual([]);
  });

  it('sends nothing to a private address that the operator does not allow', async () => {
    const dispatcher = start({ web: { retry: 5 } }, {}, false);
    feed.publish(change({ to: 'FATAL' }));
    await dispatcher.settled();
    expect(receiver.connections).toBe(0);
    expect(dispatcher.deliveries('web')).toMatchObject([
      {
        outcome: 'failed',
        attempts: [{ status: null, error: expect.stringContaining('loopback, private') }],
      },
    ]);
  });

  it('gives what is under way a moment when the service stops, and drops the rest', async () => {
    const dispatcher = start({ web: { events: ['all'] } });
    const held = receiver.holdNext();
    feed.publish(change({ to: 'STARTING' }));
    feed.publish(change({ to: 'RUNNING' }));
    await held.arrived;
    const stopped = dispatcher.onApplicationShutdown();
    held.answer();
    await stopped;
    feed.publish(change({ to: 'STOPPED' }));
    expect(dispatcher.deliveries('web').map(({ event, outcome }) => [event, outcome])).toEqual([
      ['STOPPED', 'dropped'],
      ['RUNNING', 'dropped'],
      ['STARTING', 'delivered'],
    ]);
  });

  it('does not wait for a receiver that never answers, nor for a retry, when the service stops', async () => {
    const dispatcher = start({ web: {}, api: {} }, { shutdownMs: 10, backoffMs: 60_000 });
    receiver.answers(500);
    feed.publish(change({ program: 'api', to: 'FATAL' }));
    await receiver.received(1);
    const held = receiver.holdNext();
    feed.publish(change({ to: 'FATAL' }));
    await held.arrived;
    await dispatcher.onApplicationShutdown();
    await dispatcher.settled();
    expect(dispatcher.deliveries('api')[0]!.outcome).toBe('dropped');
    expect(dispatcher.deliveries('web')[0]).toMatchObject({ attempts: [{ error: 'the service stopped' }] });
  });

  it('never tells the secret nor the path of a URL in its log', async () => {
    const warn = jest.spyOn(Logger.prototype, 'warn');
    const dispatcher = start({ web: { secret: 's3cret', urls: [receiver.url('/T000/B000')], retry: 0 } });
    receiver.answers(500);
    feed.publish(change({ to: 'FATAL' }));
    await dispatcher.settled();
    expect(warn).toHaveBeenCalledTimes(1);
    expect(JSON.stringify([warn.mock.calls, dispatcher.deliveries('web')])).not.toContain('s3cret');
    expect(JSON.stringify(warn.mock.calls)).not.toContain('T000');
  });

  describe('by a test call', () => {
    it('sends to every URL once, signed, and answers how that went', async () => {
      const dispatcher = start({
        web: { urls: [receiver.url('/a'), receiver.url('/b')], secret: 'hush', enabled: false },
      });
      receiver.answers(200, 500);
      const answer = await new WebhooksController(dispatcher).testWebhooks('web');
      expect(answer).toMatchObject({ success: true, message: 'Test event delivered to 1 of 2 URLs' });
      expect(answer.deliveries.map(({ event, outcome }) => [event, outcome])).toEqual(
        expect.arrayContaining([
          ['test', 'delivered'],
          ['test', 'failed'],
        ]),
      );
      const { headers, body } = receiver.requests[0]!;
      expect(JSON.parse(body)).toMatchObject({ type: 'program.test', data: { program: 'web' } });
      expect(headers['webhook-signature']).toBe(signed('hush', headers, body));
      expect(dispatcher.deliveries('web')).toHaveLength(2);
    });

    it('does not queue behind deliveries that are stuck', async () => {
      const dispatcher = start({ web: {} }, { concurrency: 1 });
      const stuck = receiver.holdNext();
      feed.publish(change({ to: 'FATAL' }));
      await stuck.arrived;
      expect(await dispatcher.test('web')).toMatchObject([{ outcome: 'delivered' }]);
      stuck.answer();
    });

    it('refuses a program without webhooks, and one that does not exist', async () => {
      const dispatcher = start({ bare: null });
      await expect(dispatcher.test('bare')).rejects.toMatchObject({ code: 'VALIDATION_ERROR' });
      await expect(dispatcher.test('gone')).rejects.toMatchObject({ code: 'PROGRAM_NOT_FOUND' });
      expect(dispatcher.deliveries('bare')).toEqual([]);
      expect(() => dispatcher.deliveries('gone')).toThrow(DaemonError);
    });
  });

  describe('to a name', () => {
    const message = (host: string) => ({
      id: 'msg_1',
      url: `http://${host}:${receiver.port}/`,
      body: '{}',
      headers: {},
      secret: null,
      timeoutMs: 5_000,
    });

    it('connects to nothing when the name leads to a private address', async () => {
      const sender = new WebhookSender(
        false,
        guardedLookup((_host, _options, done) => done(null, [{ address: '127.0.0.1', family: 4 }])),
      );
      expect(await sender.send(message('hooks.test'))).toMatchObject({
        refused: true,
        delivered: false,
        status: null,
      });
      expect(receiver.connections).toBe(0);
      await sender.close();
    });

    it('connects to the address of its own lookup, under the name', async () => {
      const sender = new WebhookSender(false, (_host, _options, done) =>
        done(null, [{ address: '127.0.0.1', family: 4 }]),
      );
      expect(await sender.send(message('hooks.test'))).toMatchObject({ delivered: true });
      expect(receiver.requests[0]!.headers.host).toBe(`hooks.test:${receiver.port}`);
      await sender.close();
    });
  });

  function start(
    programs: Record<string, Partial<Webhooks> | null>,
    policy: Partial<DeliveryPolicy> = {},
    webhookAllowPrivate = true,
  ): WebhookDispatcher {
    for (const [id, of] of Object.entries(programs))
      webhooks.set(id, of && { ...WEBHOOK_DEFAULTS, urls: [receiver.url('/')], ...of });
    const config = {
      program: (id: string) => {
        if (!webhooks.has(id)) throw new DaemonError('PROGRAM_NOT_FOUND', `Program "${id}" not found`);
        return { id, webhooks: webhooks.get(id) };
      },
      programs: () => Array.from(webhooks.keys(), (id) => ({ id })),
    } as unknown as ConfigRepository;
    const dispatcher = new WebhookDispatcher(
      feed,
      config,
      failures,
      { webhookAllowPrivate },
      { ...DELIVERY_POLICY, backoffMs: 1, ...policy },
    );
    dispatchers.push(dispatcher);
    return dispatcher;
  }
});

/** A real HTTP server that keeps what it is sent and answers as told, else 200. */
class Receiver {
  readonly requests: { method: string; path: string; headers: IncomingHttpHeaders; body: string }[] = [];
  connections = 0;
  private readonly planned: Answer[] = [];
  private wake = (): void => undefined;

  private constructor(private readonly server: Server) {}

  static async listening(): Promise<Receiver> {
    const server = createServer();
    const receiver = new Receiver(server);
    server.on('connection', () => (receiver.connections += 1));
    server.on('request', (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const { method = '', url: path = '', headers } = request;
        receiver.requests.push({ method, path, headers, body: Buffer.concat(chunks).toString('utf8') });
        receiver.wake();
        const answer = receiver.planned.shift() ?? 200;
        if (typeof answer === 'number') response.writeHead(answer).end('ok');
        else answer(response);
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return receiver;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  url(path: string): string {
    return `http://127.0.0.1:${this.port}${path}`;
  }

  answers(...answers: Answer[]): void {
    this.planned.push(...answers);
  }

  /** The next request is answered when the test says so. */
  holdNext(): { arrived: Promise<void>; answer: () => void } {
    let answer = (): void => undefined;
    const arrived = new Promise<void>((resolve) =>
      this.planned.push((response) => {
        answer = () => response.writeHead(200).end();
        resolve();
      }),
    );
    return { arrived, answer: () => answer() };
  }

  async received(count: number): Promise<void> {
    while (this.requests.length < count) await new Promise<void>((resolve) => (this.wake = resolve));
  }

  events(): string[] {
    return this.requests.map(({ body }) => JSON.parse(body).data.to);
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

function signed(key: string, headers: IncomingHttpHeaders, body: string): string {
  const content = [headers['webhook-id'], headers['webhook-timestamp'], body].join('.');
  return `v1,${createHmac('sha256', key).update(content).digest('base64')}`;
}
