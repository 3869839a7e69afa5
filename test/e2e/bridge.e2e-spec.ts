import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { connect } from 'supervisord';
import {
  type BridgeApplied,
  type BridgeEvent,
  BridgeLink,
  type BridgePosition,
  type BridgeSnapshot,
  type BridgeStateEvent,
} from '../../src/supervisor/bridge/bridge-link';

const BRIDGE_FOLDER = resolve(__dirname, '../../src/supervisor/bridge');
const SLEEPER = 'command=/bin/sleep 1000';
const CANT_REREAD = 92;
const STILL_RUNNING = 91;

function program(name: string, ...settings: string[]): string {
  const base = [
    'autostart=false',
    'autorestart=false',
    'startsecs=0',
    'redirect_stderr=true',
    'stdout_logfile=NONE',
  ];
  return [`[program:${name}]`, 'stopasgroup=true', 'killasgroup=true', ...base, ...settings, ''].join('\n');
}

function manyGroups(count: number): string {
  return Array.from({ length: count }, (_, i) => program(`g${i}`, 'command=/bin/true', 'numprocs=0')).join(
    '',
  );
}

class PrivateSupervisord {
  readonly folder = mkdtempSync(join(tmpdir(), 'hoody-bridge-'));
  readonly programsFile = join(this.folder, 'conf.d/programs.conf');
  private readonly client = connect(`unix://${this.folder}/s.sock`);
  private process!: ChildProcess;

  async start(programs: string, factory = 'hoody_bridge:make_bridge'): Promise<this> {
    mkdirSync(join(this.folder, 'conf.d'));
    writeFileSync(this.programsFile, programs);
    writeFileSync(join(this.folder, 's.conf'), this.config(factory));
    this.process = spawn('supervisord', ['-c', join(this.folder, 's.conf')], {
      env: {
        PATH: process.env.PATH,
        PYTHONPATH: `${BRIDGE_FOLDER}:${this.folder}`,
        PYTHONDONTWRITEBYTECODE: '1',
      },
      stdio: 'ignore',
    });
    await this.untilItAnswers();
    return this;
  }

  get pid(): number {
    return this.process.pid!;
  }

  get cpuTicks(): number {
    const fields = readFileSync(`/proc/${this.pid}/stat`, 'utf8').split(' ');
    return Number(fields[13]) + Number(fields[14]);
  }

  get isAlive(): boolean {
    return this.process.exitCode === null && this.process.signalCode === null;
  }

  readonly call = (method: string, args: unknown[] = []): Promise<unknown> =>
    new Promise((succeed, fail) => {
      this.client._call(method, args, (error, answer) => {
        if (error)
          fail(Object.assign(new Error(error.faultString ?? error.message), { code: error.faultCode }));
        else succeed(answer);
      });
    });

  async json<T>(method: string, args: unknown[] = []): Promise<T> {
    return JSON.parse((await this.call(method, args)) as string) as T;
  }

  async apply(text: string): Promise<BridgeApplied> {
    writeFileSync(this.programsFile, text);
    return this.json('hoody.apply', [this.programsFile]);
  }

  async stateOf(name: string): Promise<string | undefined> {
    const { processes } = await this.json<BridgeSnapshot>('hoody.snapshot');
    return processes.find((row) => row[1] === name)?.[2];
  }

  async stop(): Promise<void> {
    if (this.isAlive) {
      this.process.kill('SIGCONT');
      this.process.kill('SIGTERM');
      await once(this.process, 'exit');
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  async untilItAnswers(): Promise<void> {
    const deadline = Date.now() + 10_000;
    for (;;) {
      try {
        await this.call('supervisor.getPID');
        return;
      } catch (error) {
        if (Date.now() > deadline || !this.isAlive) throw error;
        await new Promise((again) => setTimeout(again, 10));
      }
    }
  }

  private config(factory: string): string {
    return `[supervisord]
nodaemon=true
silent=true
logfile=${this.folder}/s.log
pidfile=${this.folder}/s.pid
nocleanup=true
minfds=1024
[unix_http_server]
file=${this.folder}/s.sock
chmod=0600
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[rpcinterface:hoody]
supervisor.rpcinterface_factory = ${factory}
[include]
files = conf.d/*.conf
`;
  }
}

/** What a link has told, with a way to wait for it. */
class Witness {
  readonly events: BridgeEvent[] = [];
  readonly replays: BridgeEvent[][] = [];
  readonly snapshots: BridgeSnapshot[] = [];
  readonly losses: string[] = [];
  readonly link: BridgeLink;
  private readonly waiting = new Set<() => void>();

  constructor(
    supervisord: PrivateSupervisord,
    times: { pingEveryMs?: number; answerWithinMs?: number } = {},
  ) {
    this.link = new BridgeLink({
      socketPath: join(supervisord.folder, 'events.sock'),
      call: supervisord.call,
      onReplay: (events) => this.note(() => this.replays.push(events)),
      onSnapshot: (snapshot) => this.note(() => this.snapshots.push(snapshot)),
      onEvent: (event) => this.note(() => this.events.push(event)),
      onLost: (reason) => this.note(() => this.losses.push(reason)),
      ...times,
    });
  }

  get states(): BridgeStateEvent[] {
    return this.events.filter((event) => event.type === 'state');
  }

  /** Where the link stands, for a later connect. */
  get position(): BridgePosition {
    return { epoch: this.link.epoch!, seq: this.link.seq! };
  }

  storyOf(name: string): string[] {
    return this.events.flatMap((event) => {
      if (!('name' in event) || event.name !== name) return [];
      return event.type === 'state' ? [event.to] : [event.type];
    });
  }

  async state(name: string, to: string, from = 0): Promise<BridgeStateEvent> {
    const find = () =>
      this.states.find((event) => event.name === name && event.to === to && event.seq > from);
    await this.until(() => find() !== undefined, `${name} ${to}`);
    return find()!;
  }

  until(holds: () => boolean, what: string, withinMs = 15_000): Promise<void> {
    return new Promise((succeed, fail) => {
      const timer = setTimeout(() => {
        this.waiting.delete(look);
        fail(new Error(`Waited in vain for ${what}; last: ${JSON.stringify(this.events.slice(-5))}`));
      }, withinMs);
      const look = () => {
        if (!holds()) return;
        clearTimeout(timer);
        this.waiting.delete(look);
        succeed();
      };
      this.waiting.add(look);
      look();
    });
  }

  private note(remember: () => void): void {
    remember();
    for (const look of [...this.waiting]) look();
  }
}

describe('the bridge in supervisord', () => {
  let supervisord: PrivateSupervisord;
  const links: BridgeLink[] = [];
  const servers: Server[] = [];

  async function supervising(...programs: string[]): Promise<PrivateSupervisord> {
    supervisord = await new PrivateSupervisord().start(programs.join(''));
    return supervisord;
  }

  function witness(times = {}): Witness {
    const seen = new Witness(supervisord, times);
    links.push(seen.link);
    return seen;
  }

  async function watching(resume?: BridgePosition): Promise<Witness> {
    const seen = witness();
    await seen.link.connect(resume);
    return seen;
  }

  /** A subscriber that is not ours: the raw connection that supervisord makes. */
  async function rawSubscription(): Promise<Socket> {
    const path = join(supervisord.folder, 'raw.sock');
    const server = createServer({ pauseOnConnect: true }).listen(path);
    servers.push(server);
    await once(server, 'listening');
    const connection = once(server, 'connection') as Promise<[Socket]>;
    await supervisord.call('hoody.subscribe', [path, '', 0]);
    const [socket] = await connection;
    socket.on('error', () => undefined);
    return socket;
  }

  afterEach(async () => {
    for (const link of links.splice(0)) link.close();
    for (const server of servers.splice(0)) server.close();
    await supervisord.stop();
  });

  describe('events', () => {
    it('tells that a program was killed with signal 9 and then its respawn with a new pid', async () => {
      await supervising(program('web', SLEEPER, 'autorestart=true', 'startsecs=1'));
      const seen = await watching();
      await supervisord.call('supervisor.startProcess', ['web', false]);
      const running = await seen.state('web', 'RUNNING');

      process.kill(running.pid!, 'SIGKILL');
      const again = await seen.state('web', 'RUNNING', running.seq);

      expect(seen.storyOf('web')).toEqual([
        'STARTING',
        'pid',
        'RUNNING',
        'EXITED',
        'STARTING',
        'pid',
        'RUNNING',
      ]);
      const exited = await seen.state('web', 'EXITED');
      expect(exited).toMatchObject({
        pid: running.pid,
        exit: null,
        signal: 9,
        expected: false,
        from: 'RUNNING',
      });
      expect(again).toMatchObject({ exit: null, signal: null, spawnerr: null, from: 'STARTING' });
      expect(again.pid).not.toBe(running.pid);
      const pids = seen.events.flatMap((event) => (event.type === 'pid' ? [event.pid] : []));
      expect(pids).toEqual([running.pid, again.pid]);
    });

    it.each([
      [
        'a code that is not expected',
        'exit 7',
        'startsecs=0',
        'EXITED',
        { exit: 7, signal: null, expected: false },
      ],
      ['code 0', 'exit 0', 'startsecs=0', 'EXITED', { exit: 0, signal: null, expected: true }],
      [
        'its own signal',
        'kill -USR1 $$',
        'startsecs=0',
        'EXITED',
        { exit: null, signal: 10, expected: false },
      ],
      [
        'a code during startsecs',
        'exit 7',
        'startsecs=9',
        'BACKOFF',
        { exit: 7, signal: null, expected: null },
      ],
      [
        'a signal during startsecs',
        'kill -KILL $$',
        'startsecs=9',
        'FATAL',
        { exit: null, signal: 9, tries: 0 },
      ],
    ])('keeps exactly how a program ended: %s', async (_title, script, startsecs, state, end) => {
      await supervising(program('job', `command=/bin/sh -c "${script}"`, startsecs, 'startretries=0'));
      const seen = await watching();
      // What ends before the answer is answered with a fault.
      await supervisord.call('supervisor.startProcess', ['job', false]).catch(() => undefined);

      const event = await seen.state('job', state);

      expect(event).toMatchObject(end);
      const row = (await supervisord.json<BridgeSnapshot>('hoody.snapshot')).processes[0]!;
      expect([row[4], row[5]]).toEqual([event.exit, event.signal]);
    });

    it('names the cause of a spawn that made no process', async () => {
      await supervising(program('ghost', 'command=/nowhere/ghost', 'autostart=true', 'startretries=0'));
      const seen = witness();
      await seen.link.connect();
      await supervisord.call('supervisor.stopProcess', ['ghost']).catch(() => undefined);

      const { processes } = await supervisord.json<BridgeSnapshot>('hoody.snapshot');

      expect(processes[0]!.slice(2, 7)).toEqual([
        'FATAL',
        null,
        null,
        null,
        "can't find command '/nowhere/ghost'",
      ]);
    });

    it('shows every transition of 200 instances once and in order', async () => {
      const settings = ['numprocs=200', 'process_name=many_%(process_num)03d', SLEEPER];
      await supervising(program('many', ...settings));
      const seen = await watching();

      await supervisord.call('supervisor.startProcessGroup', ['many', false]);
      await seen.until(
        () => seen.states.filter((event) => event.to === 'RUNNING').length === 200,
        '200 RUNNING',
      );
      await supervisord.call('supervisor.stopProcessGroup', ['many', false]);
      await seen.until(
        () => seen.states.filter((event) => event.to === 'STOPPED').length === 200,
        '200 STOPPED',
      );

      const { processes, seq } = seen.snapshots[0]!;
      expect(processes).toHaveLength(200);
      for (const [, name] of processes) {
        expect(seen.storyOf(name)).toEqual(['STARTING', 'pid', 'RUNNING', 'STOPPING', 'STOPPED']);
      }
      expect(seen.events.map((event) => event.seq)).toEqual(
        Array.from({ length: 1000 }, (_, i) => seq + 1 + i),
      );
      expect(seen.losses).toEqual([]);
    });

    it('does not lose a stop that comes right after the start', async () => {
      await supervising(program('web', SLEEPER, 'stopwaitsecs=60'));
      const seen = await watching();
      for (let round = 0; round < 10; round++) {
        const before = seen.link.seq!;
        await supervisord.call('system.multicall', [
          ['supervisor.startProcess', 'supervisor.stopProcess'].map((methodName) => ({
            methodName,
            params: ['web', false],
          })),
        ]);
        expect(await seen.state('web', 'STOPPED', before)).toMatchObject({ signal: 15, exit: null });
      }
    });

    it('does not turn a program that dies at once into a fork loop', async () => {
      await supervising(program('crash', 'command=/bin/false', 'autorestart=true'));
      const seen = await watching();
      await supervisord.call('supervisor.startProcess', ['crash', false]);
      const starts = () =>
        seen.states.filter((event) => event.to === 'STARTING').map((event) => event.start!);
      await seen.until(() => starts().length >= 4, 'three respawns');

      // One a second, but any other work of supervisord, such as our ping, may bring one of them earlier.
      expect(starts()[3]! - starts()[0]!).toBeGreaterThan(1500);
    });

    it('kills a program that ignores SIGTERM after stopwaitsecs', async () => {
      const stubborn = `command=/bin/sh -c "trap : TERM; echo ready; while :; do sleep 1000 & wait; done"`;
      await supervising(program('stubborn', stubborn, 'stopwaitsecs=1', 'startsecs=1'));
      const seen = await watching();
      await supervisord.call('supervisor.startProcess', ['stubborn', false]);
      await seen.state('stubborn', 'RUNNING');
      await supervisord.call('supervisor.stopProcess', ['stubborn', false]);

      expect(await seen.state('stubborn', 'STOPPED')).toMatchObject({ signal: 9, exit: null });
    });

    it('tells the end of supervisord, which does not wait a second for each stopped group', async () => {
      const stopped = Array.from({ length: 40 }, (_, i) => program(`z${i}`, SLEEPER));
      await supervising(program('a', SLEEPER, 'priority=1'), ...stopped);
      const seen = await watching();
      await supervisord.call('supervisor.startProcess', ['a', false]);
      await seen.state('a', 'RUNNING');

      process.kill(supervisord.pid, 'SIGTERM');
      await seen.until(() => seen.losses.length > 0, 'the end of the connection');

      expect(seen.losses).toEqual(['closed']);
      expect(seen.events.at(-3)).toMatchObject({ type: 'supervisor', state: 'STOPPING' });
      expect(seen.events.at(-1)).toMatchObject({ name: 'a', to: 'STOPPED', signal: 15 });
    });
  });

  describe('connections', () => {
    it('replays what was missed while nobody was connected, then sends a snapshot', async () => {
      await supervising(program('web', SLEEPER));
      const seen = await watching();
      await supervisord.call('supervisor.startProcess', ['web', false]);
      await seen.state('web', 'RUNNING');
      const position = seen.position;
      seen.link.close();
      await supervisord.call('supervisor.stopProcess', ['web', true]);

      await seen.link.connect(position);

      expect(seen.replays.map((events) => events.map((event) => 'to' in event && event.to))).toEqual([
        ['STOPPING', 'STOPPED'],
      ]);
      expect(seen.replays[0]![0]!.seq).toBe(position.seq + 1);
      expect(seen.snapshots.at(-1)).toMatchObject({ gap: false, seq: position.seq + 2 });
      expect(seen.snapshots.at(-1)!.processes[0]![2]).toBe('STOPPED');
    });

    it('replays the last 20,000 events and says that there is a gap when one more is missing', async () => {
      await supervising();
      writeFileSync(supervisord.programsFile, manyGroups(1000));
      const names = JSON.stringify(Array.from({ length: 1000 }, (_, i) => `g${i}`));
      for (let round = 0; round < 11; round++) {
        await supervisord.call('hoody.apply', [supervisord.programsFile]);
        await supervisord.call('hoody.remove', [names]);
      }
      const { epoch, seq } = await supervisord.json<BridgePosition>('hoody.hello');

      const held = await watching({ epoch, seq: seq - 20_000 });
      held.link.close();
      const lost = await watching({ epoch, seq: seq - 20_001 });

      expect(held.replays[0]).toHaveLength(20_000);
      expect(held.snapshots[0]!.gap).toBe(false);
      expect(lost.replays).toEqual([]);
      expect(lost.snapshots[0]!.gap).toBe(true);
    }, 60_000);

    it('replays nothing to someone who knows another epoch or a later number', async () => {
      await supervising();
      const { epoch, seq } = await supervisord.json<BridgePosition>('hoody.hello');
      for (const position of [
        { epoch: 'another', seq },
        { epoch, seq: seq + 1 },
      ]) {
        const seen = await watching(position);
        expect(seen.replays).toEqual([]);
        expect(seen.snapshots[0]!.gap).toBe(true);
        seen.link.close();
      }
    });

    it('begins a new epoch when supervisord restarts itself after SIGHUP', async () => {
      await supervising(program('web', SLEEPER, 'startsecs=1'));
      const seen = await watching();
      const position = seen.position;

      process.kill(supervisord.pid, 'SIGHUP');
      await seen.until(() => seen.losses.length > 0, 'the loss of the link');
      await supervisord.untilItAnswers();
      await seen.link.connect(position);
      await supervisord.call('supervisor.startProcess', ['web', false]);
      await seen.state('web', 'STARTING');
      const ticksBefore = supervisord.cpuTicks;
      await seen.state('web', 'RUNNING');

      // A second has passed; a loop that spins on the descriptors of the old epoch uses 100 ticks.
      expect(supervisord.cpuTicks - ticksBefore).toBeLessThan(50);
      expect(seen.losses).toEqual(['closed']);
      expect(seen.link.epoch).not.toBe(position.epoch);
      expect(seen.snapshots.at(-1)!.gap).toBe(true);
    });

    it('declares the link lost when supervisord is stopped and answers no ping', async () => {
      await supervising();
      const seen = witness({ pingEveryMs: 50, answerWithinMs: 300 });
      await seen.link.connect();

      process.kill(supervisord.pid, 'SIGSTOP');
      await seen.until(() => seen.losses.length > 0, 'the loss of the link');
      process.kill(supervisord.pid, 'SIGCONT');

      expect(seen.losses).toEqual(['silent']);
      expect(seen.link.isUp).toBe(false);
    });

    it('keeps the link while supervisord answers pings', async () => {
      await supervising();
      const call = supervisord.call;
      const seen = witness({ pingEveryMs: 20, answerWithinMs: 2_000 });
      await seen.link.connect();

      for (let i = 0; i < 20; i++)
        await Promise.all([call('supervisor.getPID'), new Promise((r) => setTimeout(r, 20))]);

      expect(seen.losses).toEqual([]);
      expect(seen.link.isUp).toBe(true);
    });

    it('drops a subscriber that does not read and goes on for the others', async () => {
      await supervising();
      const slow = await rawSubscription();
      const seen = await watching();
      const wide = program(
        'wide',
        SLEEPER,
        'numprocs=200',
        `process_name=${'n'.repeat(220)}%(process_num)03d`,
      );
      writeFileSync(supervisord.programsFile, wide);
      const eventBytes = 200 * 225;
      const rounds = Math.ceil((9 * 1024 * 1024) / (2 * eventBytes));
      for (let round = 0; round < rounds; round++) {
        await supervisord.call('hoody.apply', [supervisord.programsFile]);
        await supervisord.call('hoody.remove', ['["wide"]']);
      }

      const ended = once(slow, 'close');
      let received = 0;
      slow.on('data', (chunk: Buffer) => (received += chunk.length));
      slow.resume();
      await ended;

      expect(received).toBeLessThan(rounds * 2 * eventBytes);
      expect(seen.losses).toEqual([]);
      await seen.until(() => seen.events.length === 2 * rounds, 'all events for the reader');
      expect(supervisord.isAlive).toBe(true);
    }, 60_000);

    it('ignores garbage from a subscriber and still answers its pings', async () => {
      await supervising();
      const socket = await rawSubscription();
      let text = '';
      const pong = new Promise<void>((succeed) => {
        socket.on('data', (chunk: Buffer) => {
          text += chunk.toString();
          if (text.includes('"pong"')) succeed();
        });
      });
      socket.resume();
      socket.write(Buffer.from([0, 255, 254, 10, 13, 10]));
      socket.write('x'.repeat(1_000_000));
      socket.write('\nping\n');
      await pong;

      expect(text.match(/"pong"/g)).toHaveLength(1);
      socket.destroy();
      await supervisord.call('supervisor.getPID');
    });

    it('refuses a subscription to a socket where nobody listens', async () => {
      await supervising();
      const subscribed = supervisord.call('hoody.subscribe', [join(supervisord.folder, 'none.sock'), '', 0]);
      await expect(subscribed).rejects.toThrow(/cannot connect to .*none\.sock/);
      await supervisord.call('supervisor.getPID');
    });
  });

  describe('apply and remove', () => {
    const a = program('a', SLEEPER);
    const b = program('b', SLEEPER);
    const changedB = program('b', 'command=/bin/sleep 2000');

    it('adds what is new, keeps what is equal and replaces what has changed and is stopped', async () => {
      await supervising(a, b);
      const seen = await watching();
      await supervisord.call('supervisor.startProcess', ['a', false]);
      const { pid } = await seen.state('a', 'RUNNING');

      const applied = await supervisord.apply(a + changedB + program('c', SLEEPER, 'numprocs=1'));

      expect(applied).toEqual({ added: ['c'], replaced: ['b'], kept: ['a'] });
      await seen.until(
        () => seen.events.filter((event) => event.type === 'group').length === 3,
        'group events',
      );
      expect(seen.events.filter((event) => event.type === 'group')).toMatchObject([
        { action: 'removed', group: 'b', processes: ['b'] },
        { action: 'added', group: 'c', processes: ['c'] },
        { action: 'added', group: 'b', processes: ['b'] },
      ]);
      const { processes } = await supervisord.json<BridgeSnapshot>('hoody.snapshot');
      expect(processes.find((row) => row[1] === 'a')!.slice(2, 4)).toEqual(['RUNNING', pid]);
      await supervisord.call('supervisor.startProcess', ['c', false]);
      await seen.state('c', 'RUNNING');
    });

    it('keeps everything when the same file is applied again', async () => {
      await supervising();
      await supervisord.apply(a + b);
      expect(await supervisord.apply(a + b)).toEqual({ added: [], replaced: [], kept: ['a', 'b'] });
    });

    it('changes nothing when a changed program still runs', async () => {
      await supervising(a, b);
      const seen = await watching();
      await supervisord.call('supervisor.startProcess', ['b', false]);
      await seen.state('b', 'RUNNING');

      const applied = supervisord.apply(
        program('a', 'command=/bin/sleep 1') + changedB + program('c', SLEEPER),
      );
      await expect(applied).rejects.toMatchObject({ code: STILL_RUNNING, message: 'STILL_RUNNING: b' });

      expect((await supervisord.json<BridgeSnapshot>('hoody.snapshot')).groups).toEqual(['a', 'b']);
      expect(seen.events.filter((event) => event.type === 'group')).toEqual([]);
    });

    it.each([
      ['an unknown user', program('c', SLEEPER, 'user=nobody-knows'), /Invalid user name nobody-knows/],
      ['a bad expansion', program('c', 'command=/bin/echo %(nope)s'), /Format string/],
      ['a missing log folder', program('c', SLEEPER, 'stdout_logfile=/nowhere/c.log'), /does not exist/],
      ['no section', 'command=x\n', /no section headers/],
      ['another kind of section', `[supervisord]\nidentifier=taken\n`, /\[program:x\] sections only/],
      ['defaults for all sections', `[DEFAULT]\npriority=1\n`, /\[program:x\] sections only/],
      ['bytes that are not UTF-8', Buffer.from([0xff, 0xfe, 10]), /codec can't decode/],
    ])('changes nothing when the file holds %s', async (_title, bad, message) => {
      await supervising(a);
      const seen = await watching();
      await supervisord.call('supervisor.startProcess', ['a', false]);
      await seen.state('a', 'RUNNING');
      const before = seen.link.seq;
      writeFileSync(supervisord.programsFile, Buffer.concat([Buffer.from(bad), Buffer.from(b)]));

      const applied = supervisord.call('hoody.apply', [supervisord.programsFile]);
      await expect(applied).rejects.toMatchObject({
        code: CANT_REREAD,
        message: expect.stringMatching(message),
      });

      const after = await supervisord.json<BridgeSnapshot>('hoody.snapshot');
      expect(after.groups).toEqual(['a']);
      expect(after.seq).toBe(before);
      expect(await supervisord.call('supervisor.getIdentification')).toBe('supervisor');
    });

    it('is not disturbed by another broken include file, which stops a stock reread', async () => {
      await supervising(a);
      writeFileSync(join(supervisord.folder, 'conf.d/zz-broken.conf'), 'broken');

      await expect(supervisord.call('supervisor.reloadConfig')).rejects.toMatchObject({ code: CANT_REREAD });
      expect(await supervisord.apply(a + b)).toEqual({ added: ['b'], replaced: [], kept: ['a'] });
    });

    it('leaves no difference for a stock reread of the same files', async () => {
      await supervising(a, b);
      writeFileSync(
        join(supervisord.folder, 'conf.d/aa.conf'),
        `[supervisord]\nenvironment=COMMON="1"\n` +
          program('other', SLEEPER, 'environment=X="%(ENV_COMMON)s"'),
      );
      await supervisord.call('supervisor.reloadConfig');
      await supervisord.call('supervisor.addProcessGroup', ['other']);
      const d = program(
        'd',
        SLEEPER,
        'numprocs=2',
        'process_name=d_%(process_num)d',
        'environment=Y="%(here)s"',
      );
      await supervisord.apply(a + changedB + program('c', SLEEPER, 'priority=5') + d);
      await supervisord.apply(a.replace('startsecs=0', 'startsecs=3') + changedB + d);
      await supervisord.call('hoody.remove', ['["c","unknown","c"]']);

      expect(await supervisord.call('supervisor.reloadConfig')).toEqual([[[], [], []]]);
    });

    it('replaces an equal section when the common environment has changed by a stock reread', async () => {
      await supervising();
      await supervisord.apply(a);
      const common = join(supervisord.folder, 'conf.d/aa.conf');
      writeFileSync(common, `[supervisord]\nenvironment=COMMON="1"\n`);
      expect(await supervisord.call('supervisor.reloadConfig')).toEqual([[[], ['a'], []]]);

      expect(await supervisord.apply(a)).toEqual({ added: [], replaced: ['a'], kept: [] });
      expect(await supervisord.call('supervisor.reloadConfig')).toEqual([[[], [], []]]);
    });

    it('removes stopped groups, or none when one of them runs', async () => {
      await supervising(a, b);
      const seen = await watching();
      await supervisord.call('supervisor.startProcess', ['b', false]);
      await seen.state('b', 'RUNNING');

      await expect(supervisord.call('hoody.remove', ['["a","b"]'])).rejects.toMatchObject({
        code: STILL_RUNNING,
      });
      expect(await supervisord.stateOf('a')).toBe('STOPPED');
      expect(await supervisord.json('hoody.remove', ['["a","unknown"]'])).toEqual({ removed: ['a'] });
      expect(await supervisord.stateOf('a')).toBeUndefined();
      expect(await supervisord.stateOf('b')).toBe('RUNNING');
      await expect(supervisord.call('hoody.remove', ['a'])).rejects.toThrow(/JSON array/);
    });
  });

  describe('a fault of the bridge', () => {
    function faultyBridge(fault: string): Promise<PrivateSupervisord> {
      supervisord = new PrivateSupervisord();
      const source = `from hoody_bridge import bridge, loop, make_bridge\ndef fail(*_): raise KeyError('fault')\n`;
      writeFileSync(join(supervisord.folder, 'faulty_bridge.py'), `${source}${fault}\n`);
      return supervisord.start(program('web', SLEEPER, 'startsecs=1'), 'faulty_bridge:make_bridge');
    }

    it('leaves stock supervisord and polite faults when the set-up fails', async () => {
      await faultyBridge('bridge.events.subscribe = fail');

      await expect(supervisord.call('hoody.hello')).rejects.toThrow(/could not be set up/);
      expect(await supervisord.call('supervisor.startProcess', ['web', true])).toBe(true);
      expect(await supervisord.call('supervisor.stopProcess', ['web', true])).toBe(true);
    });

    it.each([
      'bridge.Bridge.publish',
      'loop.Turns.sleep_secs',
      'loop.Turns.plan_for',
      'bridge.Run.ended',
      'loop.Waker.handle_read_event',
    ])('does not reach supervisord from %s', async (place) => {
      await faultyBridge(`${place} = fail`);

      expect(await supervisord.call('supervisor.startProcess', ['web', true])).toBe(true);
      expect(await supervisord.call('supervisor.stopProcess', ['web', true])).toBe(true);
      expect(await supervisord.call('supervisor.startProcess', ['web', true])).toBe(true);
    });
  });
});
