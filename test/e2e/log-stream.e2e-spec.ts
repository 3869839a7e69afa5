import { execFile } from 'node:child_process';
import { appendFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { EventSource } from 'eventsource';
import { CurlStream } from '../support/curl-stream';
import { Service, temporaryFolder } from '../support/service';

const API = '/api/v1/daemon';
const run = promisify(execFile);

/** Prints what is appended to a file of its own, byte for byte. */
function echoing(): { command: string; say: (bytes: string | Buffer) => void } {
  const file = join(temporaryFolder(), 'said');
  writeFileSync(file, '');
  return { command: `exec tail -n +1 -s 0.05 -f ${file}`, say: (bytes) => appendFileSync(file, bytes) };
}

describe('following the log of a program', () => {
  let service: Service;
  let quiet: CurlStream;
  let openedAt: number;
  const open: CurlStream[] = [];
  const follow = async (
    path: string,
    headers?: Record<string, string>,
    { address } = service,
  ): Promise<CurlStream> => {
    const stream = await CurlStream.open(`${address}${API}/${path}`, headers);
    open.push(stream);
    return stream;
  };

  beforeAll(async () => {
    service = await Service.start({ env: { DAEMON_PORT: '23100' } });
    const id = await service.add();
    quiet = await follow(`programs/${id}/logs/stream`);
    openedAt = Date.now();
  });
  afterAll(async () => {
    await Promise.all(open.map((stream) => stream.close()));
    await service.dispose();
  });

  it('tells the last lines without a time, then every new line with one, of both streams', async () => {
    const file = join(temporaryFolder(), 'go');
    const id = await service.add({
      command: `echo one; echo two; echo bad >&2; until [ -e ${file} ]; do sleep 0.05; done; echo three; echo worse >&2; exec sleep 1000`,
    });
    await service.post(`programs/${id}/start`);
    await service.until(`programs/${id}/logs`, ({ stdout, stderr }) => stdout && stderr);
    const both = await follow(`programs/${id}/logs/stream?lines=1`);
    const errors = await follow(`programs/${id}/logs/stream?type=stderr`);
    await Promise.all([
      both.until(() => both.events.length === 2),
      errors.until(() => errors.events.length === 1),
    ]);

    writeFileSync(file, '');

    await Promise.all([
      both.until(() => both.events.length === 4),
      errors.until(() => errors.events.length === 2),
    ]);
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    expect(both.of('stdout').map(({ data }) => data)).toEqual([
      { line: 'two', time: null },
      { line: 'three', time },
    ]);
    expect(both.of('stderr').map(({ data }) => data)).toEqual([
      { line: 'bad', time: null },
      { line: 'worse', time },
    ]);
    expect(errors.lines()).toEqual(['bad', 'worse']);
  });

  it('follows each port by itself and asks for the port of a range', async () => {
    const id = await service.add({
      command: 'echo I am {{PORT}}; exec sleep 1000',
      port_range: { start: 23901, end: 23902 },
    });
    expect((await service.get(`programs/${id}/logs/stream`)).body.code).toBe('PORT_REQUIRED');
    const first = await follow(`programs/${id}/logs/stream?port=23901`);
    const second = await follow(`programs/${id}/logs/stream?port=23902`);
    await service.post(`programs/${id}/start`, { all: true });
    await Promise.all([
      first.until(() => first.events.length > 0),
      second.until(() => second.events.length > 0),
    ]);
    expect(first.lines()).toEqual(['I am 23901']);
    expect(second.lines()).toEqual(['I am 23902']);
  });

  it('loses and repeats nothing while the log is rotated under it', async () => {
    const id = await service.add({
      command:
        'i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo line $i; [ $((i % 50)) != 0 ] || sleep 0.02; done; exec sleep 1000',
      log_max_bytes: 4000,
      log_backups: 2,
    });
    const stream = await follow(`programs/${id}/logs/stream`);
    await service.post(`programs/${id}/start`);
    await stream.until(() => stream.lines().includes('line 3000'));
    expect(stream.lines()).toEqual(Array.from({ length: 3000 }, (_, i) => `line ${i + 1}`));
    expect(stream.of('gap')).toEqual([]);
  });

  it('goes on over restarts of the program', async () => {
    const id = await service.add({ command: 'echo pid $$; exec sleep 1000' });
    const stream = await follow(`programs/${id}/logs/stream`);
    const pids: number[] = [];
    for (const action of ['start', 'restart', 'restart']) {
      pids.push((await service.post(`programs/${id}/${action}`)).body.pid);
      await stream.until(() => stream.lines().length === pids.length);
    }
    expect(new Set(pids).size).toBe(3);
    expect(stream.lines()).toHaveLength(3);
  });

  it('puts characters and lines together that come in pieces', async () => {
    const { command, say } = echoing();
    const id = await service.add({ command });
    const stream = await follow(`programs/${id}/logs/stream`);
    await service.post(`programs/${id}/start`);
    const bytes = Buffer.from('naïve 😀 line\n');
    const cut = bytes.indexOf(0x98);
    say(bytes.subarray(0, cut));
    await service.until(`programs/${id}/logs`, ({ stdout }) => stdout.startsWith('na'));
    say(bytes.subarray(cut));
    say(Buffer.from([0x66, 0xff, 0x66, 0x0a]));
    await stream.until(() => stream.lines().length === 2);
    expect(stream.lines()).toEqual(['naïve 😀 line', 'f\ufffdf']);

    say('a prompt without an end: ');
    await stream.until(() => stream.lines().length === 3);
    expect(stream.lines()[2]).toBe('a prompt without an end: ');
  });

  describe('over restarts of the service', () => {
    let restarted: Service;
    beforeAll(async () => void (restarted = await Service.start({ env: { DAEMON_PORT: '23101' } })));
    afterAll(() => restarted.dispose());
    const followRestarted = (path: string, headers?: Record<string, string>) =>
      follow(path, headers, restarted);

    it('goes on exactly where it was after a kill of the service, with Last-Event-ID', async () => {
      const { command, say } = echoing();
      const id = await restarted.add({ command });
      await restarted.post(`programs/${id}/start`);
      say('one\ntwo\n');
      const before = await followRestarted(`programs/${id}/logs/stream`);
      await before.until(() => before.lines().length === 2);

      await restarted.end('SIGKILL');
      await before.ended;
      say('three\nfour\n');
      await restarted.start();
      const after = await followRestarted(`programs/${id}/logs/stream`, { 'last-event-id': before.lastId! });
      await after.until(() => after.lines().length === 2);
      say('five\n');
      await after.until(() => after.lines().length === 3);
      expect(after.lines()).toEqual(['three', 'four', 'five']);
      expect(after.of('gap')).toEqual([]);
    });

    it('lets an EventSource client reconnect by itself over a restart of the service', async () => {
      const { command, say } = echoing();
      const id = await restarted.add({ command });
      await restarted.post(`programs/${id}/start`);
      const lines: string[] = [];
      let wake = (): void => undefined;
      const client = new EventSource(`${restarted.address}${API}/programs/${id}/logs/stream`);
      client.addEventListener('stdout', ({ data }) => {
        lines.push(JSON.parse(data).line);
        wake();
      });
      const untilCount = async (count: number): Promise<void> => {
        while (lines.length < count) await new Promise<void>((resolve) => (wake = resolve));
      };
      try {
        say('one\n');
        await untilCount(1);
        await restarted.end();
        say('two\n');
        await restarted.start();
        await untilCount(2);
        say('three\n');
        await untilCount(3);
        expect(lines).toEqual(['one', 'two', 'three']);
      } finally {
        client.close();
      }
    });
  });

  it('says that lines are missing when the id is of a log that is gone', async () => {
    const id = await service.add({ command: 'echo here; exec sleep 1000' });
    await service.post(`programs/${id}/start`);
    await service.until(`programs/${id}/logs`, ({ stdout }) => stdout !== '');
    for (const lost of ['o:999999.1-10,e:', 'nonsense']) {
      const stream = await follow(`programs/${id}/logs/stream`, { 'last-event-id': lost });
      await stream.until(() => stream.lines().length === 1);
      expect(stream.events[0]).toMatchObject({ event: 'gap', data: { stream: 'stdout' } });
    }
  });

  it('ends with an event when the program is removed, after its last words', async () => {
    const id = await service.add({
      command: 'trap "echo bye; exit 0" TERM; echo hi; while :; do sleep 0.05; done',
    });
    await service.post(`programs/${id}/start`);
    const stream = await follow(`programs/${id}/logs/stream`);
    await stream.until(() => stream.lines().length === 1);
    await service.post(`programs/remove/${id}`);
    expect(await stream.ended).toBe(0);
    expect(stream.lines('stdout')).toEqual(['hi', 'bye']);
    expect(stream.events.at(-1)).toMatchObject({ event: 'end', data: {} });
  });

  it('follows an ephemeral program until it is stopped', async () => {
    const { body } = await service.post('quick-start', {
      command: 'echo quick; exec sleep 1000',
      user: 'root',
    });
    const stream = await follow(`quick-start/${body.temporary_id}/logs/stream`);
    await stream.until(() => stream.lines().length === 1);
    await service.post(`quick-start/${body.temporary_id}/stop`);
    expect(await stream.ended).toBe(0);
    expect(stream.events.map(({ event }) => event)).toEqual(['stdout', 'end']);
  });

  it('answers HEAD without a body, and unknown programs and parameters with an error', async () => {
    const id = await service.add();
    const { stdout } = await run('curl', [
      '-sI',
      '-m',
      '5',
      `${service.address}${API}/programs/${id}/logs/stream`,
    ]);
    expect(stdout).toMatch(/^HTTP\/1\.1 200/);
    expect(stdout).toMatch(/content-type: text\/event-stream/);
    expect((await service.get('programs/nobody/logs/stream')).body.code).toBe('PROGRAM_NOT_FOUND');
    expect((await service.get(`programs/${id}/logs/stream?line=3`)).body.code).toBe('VALIDATION_ERROR');
    expect((await service.get(`programs/${id}/logs/stream?lines=0`)).body.code).toBe('VALIDATION_ERROR');
  });

  it('does not grow for a reader that does not read', async () => {
    const id = await service.add({
      command: `head -c 150000000 /dev/zero | tr '\\0' x | fold -w 999; echo done >&2; exec sleep 1000`,
      log_max_bytes: 0,
    });
    const socket = connect(23100, '127.0.0.1');
    socket.pause();
    socket.write(`GET ${API}/programs/${id}/logs/stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
    const errors = await follow(`programs/${id}/logs/stream?type=stderr`);
    const before = residentMegabytes(service.pid);
    try {
      await service.post(`programs/${id}/start`);
      await errors.until(() => errors.lines().includes('done'), 25_000);
      expect(statSync(join(service.stateDir, 'logs', `${id}.stdout.log`)).size).toBeGreaterThan(150_000_000);
      expect(residentMegabytes(service.pid) - before).toBeLessThan(60);
    } finally {
      socket.destroy();
    }
    await service.post(`programs/remove/${id}`);
  }, 40_000);

  it('shows every 15 seconds that a silent connection is alive', async () => {
    expect(quiet.events).toEqual([]);
    await quiet.until(() => quiet.comments > 1, openedAt + 16_000 - Date.now());
  }, 20_000);
});

function residentMegabytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024;
}
