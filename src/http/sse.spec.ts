import { createConnection, type AddressInfo, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fastify, { type FastifyInstance } from 'fastify';
import { SseClient } from '../../test/fixtures/logs-sse-client';
import { EventStreams, type EventStreamsOptions } from './sse';
import type { EventStream } from './sse-stream';

describe('EventStreams', () => {
  let app: FastifyInstance;
  let url: string;
  let streams: EventStreams;
  let opened: EventStream[];
  let nextOpened: ((stream: EventStream) => void) | null;

  async function serve(options: EventStreamsOptions = {}): Promise<void> {
    streams = new EventStreams(options);
    opened = [];
    app = fastify({ forceCloseConnections: true });
    app.addHook('onRequest', async (_request, reply) => void reply.header('x-request-id', 'r1'));
    app.get('/stream', (request, reply) => {
      const stream = streams.open(request, reply);
      opened.push(stream);
      nextOpened?.(stream);
    });
    await app.listen({ host: '127.0.0.1', port: 0 });
    url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}/stream`;
  }

  async function connect(): Promise<{ client: SseClient; stream: EventStream }> {
    const opening = new Promise<EventStream>((resolve) => (nextOpened = resolve));
    const [client, stream] = await Promise.all([SseClient.open(url), opening]);
    return { client, stream };
  }

  /** A client that asks and then reads nothing. */
  async function connectDeaf(): Promise<{ socket: Socket; stream: EventStream }> {
    const opening = new Promise<EventStream>((resolve) => (nextOpened = resolve));
    const socket = createConnection(Number(new URL(url).port), '127.0.0.1').on('error', () => {});
    socket.pause();
    socket.write('GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n');
    return { socket, stream: await opening };
  }

  afterEach(async () => {
    nextOpened = null;
    for (const stream of opened) stream.destroy();
    await app.close();
  });

  it('answers with an event stream at once, and keeps the headers that hooks have set', async () => {
    await serve();
    const { client } = await connect();
    expect(client.response.statusCode).toBe(200);
    expect(client.response.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      connection: 'keep-alive',
      'x-request-id': 'r1',
    });
  });

  it('sends events with name, id and data, and gives every line of the data a field', async () => {
    await serve();
    const { client, stream } = await connect();
    stream.send({ event: 'state', id: '7', data: { text: 'a\nb' } });
    stream.sendAll([
      { event: 'text', data: 'a\r\nb\n\nc' },
      { event: 'raw', json: '{"x":1}' },
    ]);
    await client.until(({ events }) => events.length === 3);
    expect(client.events).toEqual([
      { event: 'state', id: '7', data: '{"text":"a\\nb"}' },
      { event: 'text', data: 'a\nb\n\nc' },
      { event: 'raw', data: '{"x":1}' },
    ]);
  });

  it('shows with comments that it is alive', async () => {
    await serve({ heartbeatMs: 5 });
    const { client } = await connect();
    await client.until(({ comments }) => comments >= 4);
  });

  it('notices that a client has gone', async () => {
    await serve();
    const { client, stream } = await connect();
    expect(streams.count).toBe(1);
    client.close();
    await stream.closed;
    expect(stream.isClosed).toBe(true);
    expect(streams.count).toBe(0);
    stream.send({ event: 'late', data: 1 });
  });

  it('cuts a client that does not read instead of growing', async () => {
    await serve({ maxBufferedBytes: 1024 * 1024 });
    const { socket, stream } = await connectDeaf();
    const data = 'x'.repeat(64 * 1024);
    let sent = 0;
    while (!stream.isClosed && sent < 256 * 1024 * 1024) {
      stream.send({ event: 'e', data });
      sent += data.length;
      await nextTurn();
    }
    await stream.closed;
    // What the two sockets of the kernel hold comes on top of the limit.
    expect(sent).toBeLessThan(32 * 1024 * 1024);
    expect(streams.count).toBe(0);
    socket.destroy();
  });

  it('leaves other clients alone when it cuts one', async () => {
    await serve({ maxBufferedBytes: 64 * 1024 });
    const { client, stream: healthy } = await connect();
    const { socket, stream: deaf } = await connectDeaf();
    const data = 'x'.repeat(64 * 1024);
    while (!deaf.isClosed) {
      deaf.send({ event: 'e', data });
      await nextTurn();
    }
    healthy.send({ event: 'still', data: 'here' });
    await client.until(({ events }) => events.length === 1);
    socket.destroy();
  });

  it('cuts a client that has read nothing for four heartbeats', async () => {
    await serve({ heartbeatMs: 5, maxBufferedBytes: Infinity });
    const { socket, stream } = await connectDeaf();
    stream.send({ event: 'e', data: 'x'.repeat(16 * 1024 * 1024) });
    expect(stream.isCongested).toBe(true);
    await stream.closed;
    socket.destroy();
  });

  it('tells when a slow client has caught up', async () => {
    await serve({ maxBufferedBytes: Infinity });
    const { client, stream } = await connect();
    stream.send({ event: 'e', data: 'x'.repeat(16 * 1024 * 1024) });
    expect(stream.isCongested).toBe(true);
    await stream.drained();
    expect(stream.isCongested).toBe(false);
    await client.until(({ events }) => events.length === 1);
  });

  it('refuses more streams than allowed, and takes new ones when others have ended', async () => {
    await serve({ maxStreams: 1 });
    const { client, stream } = await connect();
    const refused = await SseClient.open(url);
    expect(refused.response.statusCode).not.toBe(200);
    const request = { method: 'GET' } as Parameters<EventStreams['open']>[0];
    expect(() => streams.open(request, {} as never)).toThrow(
      expect.objectContaining({ code: 'LIMIT_REACHED' }),
    );
    client.close();
    await stream.closed;
    expect((await connect()).client.response.statusCode).toBe(200);
  });

  it('ends all streams at shutdown after what was sent, and begins none that stay', async () => {
    await serve();
    const first = await connect();
    first.stream.send({ event: 'last', data: 'words' });
    streams.beforeApplicationShutdown();
    const late = await connect();
    await Promise.all([first.client.closed, late.client.closed, first.stream.closed, late.stream.closed]);
    expect(first.client.events).toEqual([{ event: 'last', data: 'words' }]);
    expect(first.client.response.complete).toBe(true);
    expect(streams.count).toBe(0);
  });

  it('answers HEAD with the headers alone', async () => {
    await serve();
    const response = await fetch(url, { method: 'HEAD' });
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  });

  it('uses one timer for all streams, and none when there are none', async () => {
    const started = jest.spyOn(global, 'setInterval');
    const stopped = jest.spyOn(global, 'clearInterval');
    await serve({ heartbeatMs: 12_345 });
    const all = [await connect(), await connect(), await connect()];
    for (const { client } of all) client.close();
    await Promise.all(all.map(({ stream }) => stream.closed));
    const timers = started.mock.calls.map((call, n) => ({
      ms: call[1],
      timer: started.mock.results[n]?.value as unknown,
    }));
    const heartbeats = timers.filter(({ ms }) => ms === 12_345);
    expect(heartbeats).toHaveLength(1);
    expect(stopped).toHaveBeenCalledWith(heartbeats[0]?.timer);
    jest.restoreAllMocks();
  });
});
