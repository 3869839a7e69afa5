import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BridgeEvent, BridgeLink, type BridgeLinkOptions, type BridgePosition } from './bridge-link';

const hello = { version: 1, supervisor: '4.2.5', pid: 7, epoch: 'e1', seq: 5 };
const snapshot = {
  type: 'snapshot',
  epoch: 'e1',
  seq: 5,
  pid: 7,
  time: 1,
  processes: [],
  groups: [],
  gap: true,
};
const pidEvent = (seq: number) => ({ type: 'pid', seq, time: 1, group: 'web', name: 'web', pid: 8 });
const lines = (...objects: object[]) => objects.map((object) => `${JSON.stringify(object)}\n`).join('');

describe('BridgeLink', () => {
  let folder: string;
  let link: BridgeLink | undefined;
  let supervisord: Socket;
  const told: string[] = [];
  let lost: Promise<string>;

  function linkTo(firstLines: string, options: Partial<BridgeLinkOptions> = {}): BridgeLink {
    let lose: (loss: string) => void;
    lost = new Promise((resolve) => (lose = resolve));
    const made = new BridgeLink({
      socketPath: join(folder, 'events.sock'),
      call: async (method, [path]) => {
        if (method === 'hoody.subscribe') {
          supervisord = connect(path as string);
          supervisord.on('error', () => undefined);
          supervisord.write(firstLines);
        }
        return JSON.stringify(hello);
      },
      onReplay: (events) => told.push(`replay ${events.map((event) => event.seq).join()}`),
      onSnapshot: ({ seq }) => told.push(`snapshot ${seq}`),
      onEvent: ({ seq }) => told.push(`event ${seq}`),
      onLost: (reason, detail) => lose(`${reason}: ${detail}`),
      ...options,
    });
    link = made;
    return made;
  }

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'bridge-link-'));
    told.length = 0;
  });

  afterEach(() => {
    link?.close();
    link = undefined;
    supervisord?.destroy();
    rmSync(folder, { recursive: true, force: true });
  });

  it('is up after the snapshot and counts the events', async () => {
    const up = linkTo(lines(snapshot, pidEvent(6)));
    await expect(up.connect()).resolves.toEqual(hello);
    supervisord.end(lines(pidEvent(7)));

    await expect(lost).resolves.toMatch(/^closed/);
    expect(told).toEqual(['snapshot 5', 'event 6', 'event 7']);
    expect([up.epoch, up.seq, up.isUp]).toEqual(['e1', 7, false]);
  });

  it('gives the replayed events before the snapshot', async () => {
    const replay = { type: 'replay', epoch: 'e1', seq: 5, from: 3 };
    const text = lines(replay, pidEvent(4), pidEvent(5), { ...snapshot, gap: false });
    await linkTo(text).connect({ epoch: 'e1', seq: 3 });

    expect(told).toEqual(['replay 4,5', 'snapshot 5']);
  });

  it.each<[string, BridgePosition | undefined, string]>([
    [
      'lacks an event',
      { epoch: 'e1', seq: 3 },
      lines({ type: 'replay', epoch: 'e1', seq: 5, from: 3 }, pidEvent(4), snapshot),
    ],
    ['was not asked for', undefined, lines({ type: 'replay', epoch: 'e1', seq: 5, from: 3 })],
    ['begins elsewhere', { epoch: 'e1', seq: 3 }, lines({ type: 'replay', epoch: 'e1', seq: 5, from: 2 })],
  ])('refuses a replay that %s', async (_title, resume, text) => {
    await expect(linkTo(text).connect(resume)).rejects.toThrow(/Expected number/);
    expect(told).toEqual([]);
  });

  it.each([
    ['an event is missing', lines(pidEvent(7))],
    ['an event comes twice', lines(pidEvent(5))],
    ['a pong shows that the last events are missing', lines({ type: 'pong', seq: 6 })],
    ['a second snapshot comes', lines(snapshot)],
    ['a line is not JSON', 'garbage\n'],
    ['a line is no object', '[1]\n'],
    ['a line is of an unknown kind', lines({ type: 'weather', seq: 6 })],
    ['a line has no number', lines({ type: 'pid' })],
    ['a line never ends', 'x'.repeat(9 * 1024 * 1024)],
  ])('is lost as damaged when %s, and tells nothing of what follows', async (_title, text) => {
    const up = linkTo(lines(snapshot));
    await up.connect();
    supervisord.write(text + lines(pidEvent(6)));

    await expect(lost).resolves.toMatch(/^damaged/);
    expect(told).toEqual(['snapshot 5']);
    expect(up.seq).toBe(5);
  });

  it('reads characters that are split across chunks', async () => {
    const events: BridgeEvent[] = [];
    await linkTo(lines(snapshot), { onEvent: (event) => events.push(event) }).connect();
    const bytes = Buffer.from(lines({ ...pidEvent(6), name: 'zürich-😀' }));
    supervisord.setNoDelay(true);
    for (const byte of bytes) {
      supervisord.write(Buffer.of(byte));
      await new Promise(setImmediate);
    }
    supervisord.end();
    await lost;

    expect(events).toMatchObject([{ name: 'zürich-😀' }]);
  });

  it('pings, and is lost as silent when nothing comes back', async () => {
    await linkTo(lines(snapshot), { pingEveryMs: 10, answerWithinMs: 60 }).connect();
    const [ping] = (await once(supervisord, 'data')) as [Buffer];

    expect(ping.toString()).toMatch(/^ping\n/);
    await expect(lost).resolves.toMatch(/^silent/);
  });

  it('gives up when supervisord does not connect', async () => {
    const deaf = linkTo('', { connectWithinMs: 30, call: async () => JSON.stringify(hello) });
    await expect(deaf.connect()).rejects.toThrow(/did not connect within 30 ms/);
  });

  it('gives up when a call is never answered', async () => {
    const deaf = linkTo('', { connectWithinMs: 30, call: () => new Promise(() => undefined) });
    await expect(deaf.connect()).rejects.toThrow(/did not connect within 30 ms/);
  });

  it('refuses a bridge of another version before it subscribes', async () => {
    const asked: string[] = [];
    const call = async (method: string) => {
      asked.push(method);
      return JSON.stringify({ ...hello, version: 2 });
    };
    await expect(linkTo('', { call }).connect()).rejects.toThrow(/speaks version 2/);
    expect(asked).toEqual(['hoody.hello']);
  });

  it('rejects a pending connect when it is closed', async () => {
    const waiting = linkTo('', { call: () => new Promise(() => undefined) });
    const connecting = waiting.connect();
    waiting.close();
    await expect(connecting).rejects.toThrow(/was closed/);
  });

  it('listens for the owner only, and for one connection only', async () => {
    let mode = 0;
    const call: BridgeLinkOptions['call'] = async (method, [path]) => {
      if (method === 'hoody.subscribe') {
        mode = statSync(path as string).mode & 0o777;
        supervisord = connect(path as string);
        supervisord.write(lines(snapshot));
        await once(supervisord, 'connect');
      }
      return JSON.stringify(hello);
    };
    await linkTo('', { call }).connect();

    const [error] = (await once(connect(join(folder, 'events.sock')), 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ENOENT');
    expect(mode).toBe(0o600);
  });

  it('refuses a socket path that the system would cut', () => {
    expect(() => linkTo('', { socketPath: `/${'x'.repeat(107)}` })).toThrow(/107 bytes/);
  });
});
