import { appendFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createConnection, type AddressInfo } from 'node:net';
import fastify, { type FastifyInstance } from 'fastify';
import { StatePaths } from '../config-store/state-paths';
import { EventStreams } from '../http/sse';
import type { EventStream } from '../http/sse-stream';
import { asLines, makeLogFolder, numbered, removeFolder, RotatedLog } from '../../test/fixtures/logs-support';
import { SseClient } from '../../test/fixtures/logs-sse-client';
import { LogFollowers } from './log-follower';
import { LogReader, type FollowLogsOptions } from './log-reader';

const WEB = { owner: 'web', port: 0 };

describe('a stream of logs', () => {
  let folder: string;
  let app: FastifyInstance;
  let url: string;
  let streams: EventStreams;
  let reader: LogReader;
  let followers: LogFollowers;
  let stdout: RotatedLog;
  let stderr: RotatedLog;
  let opened: EventStream[];

  beforeEach(async () => {
    folder = makeLogFolder();
    const paths = new StatePaths(folder);
    mkdirSync(paths.logs);
    stdout = new RotatedLog(paths.logFile(WEB, 'stdout'));
    stderr = new RotatedLog(paths.logFile(WEB, 'stderr'));
    followers = LogFollowers.with({ pollMs: 3_600_000, quietMs: 3_600_000 });
    reader = new LogReader(paths, followers);
    streams = new EventStreams();
    opened = [];
    app = fastify({ forceCloseConnections: true });
    app.get('/stream', (request, reply) => {
      const { lines = '10', type } = request.query as { lines?: string; type?: FollowLogsOptions['type'] };
      const lastEventId = request.headers['last-event-id'] as string | undefined;
      const stream = streams.open(request, reply);
      opened.push(stream);
      reader.follow(WEB, { lines: Number(lines), type, lastEventId }, stream);
    });
    await app.listen({ host: '127.0.0.1', port: 0 });
    url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}/stream`;
  });
  afterEach(async () => {
    for (const stream of opened) stream.destroy();
    await Promise.all(opened.map((stream) => stream.closed));
    await app.close();
    expect(followers.readerCount).toBe(0);
    removeFolder(folder);
  });

  function connect(query = '', headers: Record<string, string> = {}): Promise<SseClient> {
    return SseClient.open(url + query, headers);
  }

  function shown({ events }: SseClient): string[] {
    return events.map(({ event, data }) => {
      const { line } = JSON.parse(data) as { line?: string };
      return line === undefined ? event : `${event}: ${line}`;
    });
  }

  it('gives the last lines of both logs, then new lines as they come', async () => {
    stdout.write('a\nb\n');
    stderr.write('x\n');
    const client = await connect('?lines=1');
    await client.until(({ events }) => events.length === 2);
    stderr.write('y\n');
    await client.until(({ events }) => events.length === 3);
    stdout.write('c\n');
    await client.until(({ events }) => events.length === 4);

    expect(shown(client)).toEqual(['stdout: b', 'stderr: x', 'stderr: y', 'stdout: c']);
    const times = client.events.map(({ data }) => (JSON.parse(data) as { time: unknown }).time);
    expect(times).toEqual([null, null, expect.any(String), expect.any(String)]);
  });

  it('gives one of the logs alone', async () => {
    stdout.write('a\n');
    stderr.write('x\n');
    const client = await connect('?type=stderr');
    stdout.write('b\n');
    stderr.write('y\n');
    await client.until(({ events }) => events.length === 2);
    expect(shown(client)).toEqual(['stderr: x', 'stderr: y']);
  });

  it('goes on after every single line it has sent, in both logs, over rotation and a new service', async () => {
    stdout.write(asLines(numbered(1, 3)));
    stderr.write('x\n');
    const client = await connect();
    await client.until(({ events }) => events.length === 4);
    stderr.write('y\n');
    await client.until(({ events }) => events.length === 5);
    client.close();
    await opened[0]?.closed;
    stdout.rotate();
    stdout.write('line 4\n');
    stderr.rotate();
    stderr.write('z\n');

    const all = [
      'stdout: line 1',
      'stdout: line 2',
      'stdout: line 3',
      'stderr: x',
      'stderr: y',
      'stdout: line 4',
      'stderr: z',
    ];
    for (const [n, { id }] of client.events.entries()) {
      const again = await connect('?lines=1', { 'last-event-id': id ?? '' });
      await again.until(({ events }) => events.length === all.length - n - 1);
      expect([...shown(again)].sort()).toEqual(all.slice(n + 1).sort());
      again.close();
    }
  });

  it('misses nothing of a log that came into being while the client was away', async () => {
    stdout.write('a\n');
    const client = await connect();
    await client.until(({ events }) => events.length === 1);
    client.close();
    stderr.write(asLines(numbered(1, 3)));
    const again = await connect('?lines=1', { 'last-event-id': client.events[0]?.id ?? '' });
    await again.until(({ events }) => events.length === 3);
    expect(shown(again)).toEqual(['stderr: line 1', 'stderr: line 2', 'stderr: line 3']);
  });

  it.each(['nonsense', 'o:1-2,e:', '12', 'o:999999.abc-5,e:999999.abd-5'])(
    'tells of a gap and gives the last lines after the unknown id %j',
    async (id) => {
      stdout.write('a\nb\n');
      stderr.write('x\n');
      const client = await connect('?lines=1', { 'last-event-id': id });
      await client.until(({ events }) => events.length === 4);
      expect(shown(client)).toEqual(['gap', 'gap', 'stdout: b', 'stderr: x']);
      expect(client.events[0]?.data).toBe('{"stream":"stdout"}');
    },
  );

  it('gives everything to a client that does not read for long, and keeps little of it in memory', async () => {
    const count = 200_000;
    const socket = createConnection(Number(new URL(url).port), '127.0.0.1');
    socket.pause();
    socket.write('GET /stream?lines=1 HTTP/1.0\r\n\r\n');
    const other = await connect('?lines=1');
    stdout.write('line 0\n');
    await other.until(({ events }) => events.length === 1);
    for (let n = 1; n <= count; n += 1000) stdout.write(asLines(numbered(n, n + 999)));
    await other.until(({ events }) => events.length === count + 1);
    const waiting = opened.map(
      (stream) => (stream as unknown as { response: { writableLength: number } }).response.writableLength,
    );
    expect(Math.max(...waiting)).toBeLessThan(2 * 1024 * 1024);
    expect(Math.max(...waiting)).toBeGreaterThan(0);

    const parts: string[] = [];
    await new Promise<void>((resolve) => {
      socket.setEncoding('utf8').on('data', (part: string) => {
        parts.push(part);
        if (parts.slice(-2).join('').includes(`"line ${count}"`)) resolve();
      });
      socket.resume();
    });
    const text = parts.join('');
    const got = [...text.matchAll(/"line":"line (\d+)"/g)].map(([, number]) => Number(number));
    expect(got).toHaveLength(count + 1);
    expect(got.every((number, at) => number === at)).toBe(true);
    expect(text).not.toContain('event: gap');
    socket.destroy();
  });

  it('gives the rest of the output and says that it is the end when the program is removed', async () => {
    stdout.write('a\n');
    const client = await connect();
    await client.until(({ events }) => events.length === 1);
    appendFileSync(stdout.file, 'b\nunfinished');
    writeFileSync(`${stdout.file}.1`, 'old\n');
    const other = stdout.file.replace('web', 'web-2');
    writeFileSync(other, '');
    await reader.remove('web');
    await client.closed;
    expect(shown(client)).toEqual(['stdout: a', 'stdout: b', 'stdout: unfinished', 'end']);
    expect(client.response.complete).toBe(true);
    expect(existsSync(other)).toBe(true);
    expect(readdirSync(`${folder}/logs`)).toHaveLength(1);
  });

  it('ends the streams of one port alone', async () => {
    const client = await connect();
    await reader.endStreams('web', 3000);
    stdout.write('a\n');
    await client.until(({ events }) => events.length === 1);
    expect(shown(client)).toEqual(['stdout: a']);
    await reader.endStreams('web', 0);
    await client.closed;
  });
});
