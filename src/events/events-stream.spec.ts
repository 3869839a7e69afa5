import { mkdtempSync, rmSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Global, Module, ValidationPipe } from '@nestjs/common';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { EventSource } from 'eventsource';
import { StatePaths } from '../config-store/state-paths';
import { change } from '../../test/support/a-change';
import { EventStreams } from '../http/sse';
import { ChangeFeed } from './change-feed';
import { CurrentStates, type StateSnapshotItem } from './current-states';
import { EventsModule } from './events.module';

interface Told {
  event: string;
  id: string;
  data: Record<string, unknown>;
}

describe('The stream of events', () => {
  const snapshot: StateSnapshotItem[] = [
    { program: 'web', port: null, state: 'RUNNING', pid: 5, exit_status: 0, spawn_error: null },
    {
      program: 'api',
      port: 3001,
      state: 'FATAL',
      pid: null,
      exit_status: 1,
      spawn_error: 'exited with code 1',
    },
  ];
  const clients: { close(): void }[] = [];
  let root: string;
  let app: NestFastifyApplication;
  let feed: ChangeFeed;

  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), 'events-'));
    app = await startApp();
  });

  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    await app.close();
    rmSync(root, { recursive: true, force: true });
  });

  it('tells an EventSource client of states and configuration, in order, with the fields of the contract', async () => {
    const { told } = await eventSource();
    feed.publishConfig('added', 'web');
    feed.publish(change({ from: 'STOPPED', to: 'STARTING' }));
    feed.publish(change({ inferred: true }));
    feed.publishConfig('reset', null);
    const events = await told(4);
    expect(events.map(({ event }) => event)).toEqual(['config', 'state', 'state', 'config']);
    expect(events[0]!.data).toEqual({ program: 'web', action: 'added', time: expect.any(String) });
    expect(events[1]!.data).toEqual({
      program: 'web',
      port: null,
      from: 'STOPPED',
      to: 'STARTING',
      pid: 1,
      exit_status: null,
      spawn_error: null,
      time: expect.any(String),
    });
    expect(events[2]!.data).toMatchObject({ inferred: true });
    expect(events[3]!.data).toMatchObject({ program: null, action: 'reset' });
    expect(events.every(({ id }, i) => /^\d+$/.test(id) && (i === 0 || +id > +events[i - 1]!.id))).toBe(true);
  });

  it('resumes an EventSource client by itself where its connection was cut', async () => {
    const { told, reconnected } = await eventSource();
    feed.publish(change({ pid: 1 }));
    await told(1);
    app.get(EventStreams).closeAll();
    feed.publish(change({ pid: 2 }));
    await reconnected();
    feed.publish(change({ pid: 3 }));
    expect((await told(3)).map(({ data }) => data.pid)).toEqual([1, 2, 3]);
  });

  it('resumes over a restart of the service', async () => {
    const first = await eventSource();
    for (let pid = 1; pid <= 3; pid++) feed.publish(change({ pid }));
    const { id } = (await first.told(3))[0]!;
    clients.splice(0).forEach((client) => client.close());
    await app.close();

    app = await startApp();
    feed.publish(change({ pid: 4 }));
    const { told } = await rawStream('', { 'last-event-id': id });
    expect((await told(3)).map(({ data }) => data.pid)).toEqual([2, 3, 4]);
  });

  it('takes the position from the query too, and rather from the header', async () => {
    const first = await rawStream();
    for (let pid = 1; pid <= 3; pid++) feed.publish(change({ pid }));
    const [one, two] = await first.told(3);
    const byQuery = await rawStream(`?last_event_id=${one!.id}`);
    expect((await byQuery.told(2)).map(({ data }) => data.pid)).toEqual([2, 3]);
    const byBoth = await rawStream(`?last_event_id=${one!.id}`, { 'last-event-id': two!.id });
    expect((await byBoth.told(1)).map(({ data }) => data.pid)).toEqual([3]);
  });

  it.each(['12', '99999999999999999', 'garbled', '-1', '0'])(
    'answers the position "%s" with a gap, the current states, and what happens from there on',
    async (position) => {
      const { told } = await rawStream('', { 'last-event-id': position });
      await told(3);
      feed.publish(change({ pid: 9 }));
      const [gap, web, api, live] = await told(4);
      expect(gap).toMatchObject({ event: 'gap', data: { newest: gap!.id } });
      expect([web, api]).toMatchObject([
        { event: 'current', data: snapshot[0] },
        { event: 'current', data: snapshot[1] },
      ]);
      expect(live).toMatchObject({ event: 'state', data: { pid: 9 } });
    },
  );

  it('answers one gap, not two, after a restart in which nothing has happened yet', async () => {
    feed.publish(change({}));
    await app.close();
    app = await startApp();
    const { told } = await rawStream('', { 'last-event-id': '1' });
    await told(3);
    feed.publish(change({ pid: 2 }));
    expect((await told(4)).map(({ event }) => event)).toEqual(['gap', 'current', 'current', 'state']);
  });

  it('resumes from the position of a gap', async () => {
    const first = await rawStream('', { 'last-event-id': 'lost' });
    const [gap] = await first.told(1);
    feed.publish(change({ pid: 2 }));
    const second = await rawStream('', { 'last-event-id': gap!.id });
    expect(await second.told(1)).toMatchObject([{ event: 'state', data: { pid: 2 } }]);
  });

  it('gives a position before anything has happened, so that nothing is lost after an early cut', async () => {
    const first = await rawStream();
    const position = await first.position();
    feed.publish(change({ pid: 1 }));
    const second = await rawStream('', { 'last-event-id': position });
    expect(await second.told(1)).toMatchObject([{ event: 'state', data: { pid: 1 } }]);
  });

  it('lets through the asked programs, and changes of all programs', async () => {
    const { told } = await rawStream('?program=web,worker');
    for (const program of ['api', 'web', 'worker', 'web-2']) feed.publish(change({ program }));
    feed.publishConfig('edited', 'api');
    feed.publishConfig('reset', null);
    expect((await told(3)).map(({ data }) => data.program)).toEqual(['web', 'worker', null]);
  });

  it('lets through the asked type', async () => {
    const { told } = await rawStream('?type=config', { 'last-event-id': 'lost' });
    feed.publish(change({}));
    feed.publishConfig('edited', 'web');
    expect((await told(2)).map(({ event }) => event)).toEqual(['gap', 'config']);
  });

  it.each(['?type=log', '?program=', '?program=a,,b', '?type=state&type=config', '?port=3'])(
    'refuses the query %s',
    async (query) => {
      const response = await app.inject({ url: `/events${query}` });
      expect(response.statusCode).toBe(400);
    },
  );

  it('tells 20 clients of all of 4,000 changes made at once', async () => {
    const streams = await Promise.all(Array.from({ length: 20 }, () => rawStream()));
    for (let pid = 1; pid <= 4_000; pid++) feed.publish(change({ pid }));
    for (const { told } of streams) {
      const pids = (await told(4_000)).map(({ data }) => data.pid);
      expect(pids).toEqual(Array.from({ length: 4_000 }, (_, i) => i + 1));
    }
  });

  it('replays 10,000 changes to a client that reads slowly, without holding them for it', async () => {
    const first = await rawStream();
    const position = await first.position();
    const spawn_error = 'x'.repeat(500);
    for (let pid = 1; pid <= 10_000; pid++) feed.publish(change({ pid, spawn_error }));
    const slow = await rawStream('', { 'last-event-id': position }, 'paused');
    await first.told(10_000);
    slow.resume();
    expect((await slow.told(10_000)).at(-1)).toMatchObject({ event: 'state', data: { pid: 10_000 } });
  });

  async function startApp(): Promise<NestFastifyApplication> {
    @Global()
    @Module({
      providers: [
        ChangeFeed,
        EventStreams,
        { provide: StatePaths, useValue: new StatePaths(root) },
        { provide: CurrentStates, useValue: { currentStates: () => snapshot } },
      ],
      exports: [ChangeFeed, EventStreams, StatePaths, CurrentStates],
    })
    class Surroundings {}
    const module = await Test.createTestingModule({ imports: [Surroundings, EventsModule] }).compile();
    const started = module.createNestApplication<NestFastifyApplication>(
      new FastifyAdapter({ forceCloseConnections: true }),
      { logger: false },
    );
    started.useGlobalPipes(
      new ValidationPipe({ whitelist: true, forbidNonWhitelisted: true, transform: true }),
    );
    await started.listen(0, '127.0.0.1');
    feed = started.get(ChangeFeed);
    return started;
  }

  async function eventSource() {
    const source = new EventSource(`${await app.getUrl()}/events`);
    clients.push(source);
    const { add, told } = inbox();
    for (const event of ['state', 'config', 'gap', 'current'])
      source.addEventListener(event, ({ lastEventId, data }) =>
        add({ event, id: lastEventId, data: JSON.parse(data) }),
      );
    const reconnected = (): Promise<unknown> => new Promise((resolve) => (source.onopen = resolve));
    await reconnected();
    return { told, reconnected };
  }

  async function rawStream(
    query = '',
    headers: Record<string, string> = {},
    mode: 'flowing' | 'paused' = 'flowing',
  ) {
    const url = `${await app.getUrl()}/events${query}`;
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const request = get(url, { headers, agent: false }, resolve).on('error', reject);
      clients.push({ close: () => request.destroy() });
    });
    expect(response.headers['content-type']).toMatch(/^text\/event-stream/);
    const { add, told } = inbox();
    let findPosition: (id: string) => void;
    const position = new Promise<string>((resolve) => (findPosition = resolve));
    let rest = '';
    const resume = (): void => {
      response.setEncoding('utf8').on('data', (text: string) => {
        const blocks = (rest + text).split('\n\n');
        rest = blocks.pop()!;
        for (const block of blocks) {
          const fields = new Map(
            block.split('\n').map((line) => [line.split(': ')[0]!, line.slice(line.indexOf(': ') + 2)]),
          );
          const data = fields.get('data');
          if (data) add({ event: fields.get('event')!, id: fields.get('id') ?? '', data: JSON.parse(data) });
          else if (fields.has('id')) findPosition(fields.get('id')!);
        }
      });
    };
    response.on('error', () => undefined);
    if (mode === 'flowing') resume();
    return { told, resume, position: () => position };
  }
});

/** Collects what is told, and waits for the n-th. */
function inbox() {
  const events: Told[] = [];
  let wake = (): void => undefined;
  return {
    add: (event: Told): void => {
      events.push(event);
      wake();
    },
    told: async (count: number): Promise<Told[]> => {
      while (events.length < count) await new Promise<void>((resolve) => (wake = resolve));
      return events;
    },
  };
}
