import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { processesOf, until } from '../support/processes';
import { Service, isAlive } from '../support/service';

const SHUTDOWN = join(__dirname, '..', '..', 'dist', 'shutdown.js');

interface StateEvent {
  program: string;
  port: number | null;
  from: string;
  to: string;
  pid: number | null;
  inferred?: boolean;
}

/** What the journal has told of state changes so far. */
function statesTold(service: Service): StateEvent[] {
  return readFileSync(join(service.stateDir, 'events.ndjson'), 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
    .filter(({ type }) => type === 'state');
}

/** As after a reboot: the service and supervisord have gone, and come up anew. */
async function reboot(service: Service): Promise<void> {
  const { supervisorPid } = service;
  await service.end('SIGKILL');
  process.kill(supervisorPid, 'SIGKILL');
  await until('supervisord is gone', () => !isAlive(supervisorPid));
  await service.start();
}

describe('when supervisord comes up anew', () => {
  let service: Service;
  beforeAll(async () => void (service = await Service.start()));
  afterAll(() => service.dispose());
  afterEach(() => service.post('programs/reset'));

  const statusOf = async (id: string) => (await service.get(`status/${id}`)).body;
  const statesOf = async (id: string) =>
    (await statusOf(id)).instances.map(({ status }: { status: string }) => status);

  it('brings back, per port, what was started and not stopped, all of it, or nothing, as boot says', async () => {
    const fleet = (boot: string, start: number) =>
      service.add({ boot, port_range: { start, end: start + 2 } });
    const restored = await fleet('restore', 21000);
    const always = await fleet('always', 21010);
    const never = await fleet('never', 21020);
    for (const id of [restored, never]) await service.post(`programs/${id}/start`, { all: true });
    await service.post(`programs/${restored}/stop`, { port: 21001 });
    const disabled = await service.add({ boot: 'always', enabled: false });
    await reboot(service);
    await service.until(`status/${always}`, ({ instances }) =>
      instances.every(({ status }: { status: string }) => status === 'RUNNING'),
    );
    await service.until(`status/${restored}`, ({ instances }) => instances[2].status === 'RUNNING');
    expect(await statesOf(restored)).toEqual(['RUNNING', 'STOPPED', 'RUNNING']);
    expect(await statesOf(never)).toEqual(['STOPPED', 'STOPPED', 'STOPPED']);
    expect((await statusOf(disabled)).status).toBe('STOPPED');
    for (const [id, count] of [
      [restored, 2],
      [always, 3],
      [never, 0],
      [disabled, 0],
    ] as const)
      await until(`${id} has ${count} processes`, async () => {
        return (await processesOf(service, id)).length === count;
      });
  });

  it('leaves everything as it is when only the service was away', async () => {
    const always = await service.add({ boot: 'always' });
    const never = await service.add({ boot: 'never' });
    const { pid } = (await service.post(`programs/${never}/start`)).body;
    await service.end('SIGKILL');
    await service.start();
    expect(await statusOf(never)).toMatchObject({ status: 'RUNNING', pid });
    expect(await statusOf(always)).toMatchObject({ status: 'STOPPED' });
  });

  it('tries again what went FATAL by itself, and not what was answered with START_FAILED', async () => {
    const fails = `test -e ${service.stateDir}/good || exit 3; exec sleep 1000`;
    const options = { start_seconds: 1, start_retries: 0 };
    const byItself = await service.add({ ...options, command: fails });
    const answered = await service.add({ ...options, command: fails });
    await service.post(`programs/${byItself}/start`, { wait: false });
    expect((await service.post(`programs/${answered}/start`)).body.code).toBe('START_FAILED');
    await service.until(`status/${byItself}`, ({ status }) => status === 'FATAL');
    const told = statesTold(service).length;
    await reboot(service);
    const started = (id: string) =>
      statesTold(service)
        .slice(told)
        .filter(({ program, to }) => program === id && to === 'STARTING').length;
    await until('it was tried again', () => started(byItself) > 0);
    await service.until(`status/${byItself}`, ({ status }) => status === 'FATAL');
    expect(started(answered)).toBe(0);
    expect(await statusOf(answered)).toMatchObject({
      status: 'FATAL',
      spawn_error: expect.stringContaining('3'),
    });
  });

  it('starts by priority, each after those before it run or have failed; a delay holds up nobody', async () => {
    const last = await service.add({ priority: 30 });
    const fails = await service.add({ priority: 20, command: 'exit 1', start_seconds: 1 });
    const first = await service.add({ priority: 10, start_seconds: 1 });
    const delayed = await service.add({ priority: 1, delay_seconds: 3, boot: 'always' });
    for (const id of [last, fails, first]) await service.post(`programs/${id}/start`, { wait: false });
    await service.until(`status/${first}`, ({ status }) => status === 'RUNNING');
    await service.until(`status/${last}`, ({ status }) => status === 'RUNNING');
    const told = statesTold(service).length;
    await reboot(service);
    await service.until(`status/${delayed}`, ({ status }) => status === 'RUNNING');
    const story = statesTold(service).slice(told);
    const at = (program: string, to: string) =>
      story.findIndex((event) => event.program === program && event.to === to);
    const order = [
      at(first, 'STARTING'),
      at(first, 'RUNNING'),
      at(fails, 'STARTING'),
      at(last, 'STARTING'),
      at(last, 'RUNNING'),
      at(delayed, 'STARTING'),
    ];
    expect(order).not.toContain(-1);
    expect(order).toEqual([...order].sort((a, b) => a - b));
  });

  it('has no ephemeral programs any more', async () => {
    const { temporary_id } = (await service.post('quick-start', { command: 'sleep 1000', user: 'root' }))
      .body;
    await service.end('SIGKILL');
    await service.start();
    expect((await service.get('quick-start')).body).toMatchObject([{ temporary_id, status: 'RUNNING' }]);
    await reboot(service);
    expect((await service.get('quick-start')).body).toEqual([]);
    expect(await processesOf(service, temporary_id)).toEqual([]);
  });

  it('runs the version before an edit that was cut short, whether supervisord is new or not', async () => {
    for (const goes of ['the service', 'both'] as const) {
      const id = await service.add({ command: 'exec sleep 1001', autorestart: 'true' });
      await service.post(`programs/${id}/start`);
      const edit = service
        .post(`programs/edit/${id}`, { command: 'exec sleep 1002', start_seconds: 60, restart: true })
        .catch(() => null);
      await until('the new version runs', async () => (await commandsOf(service, id)).includes('sleep 1002'));
      if (goes === 'both') await reboot(service);
      else {
        await service.end('SIGKILL');
        await service.start();
      }
      await edit;
      await service.until(`status/${id}`, ({ status }) => status === 'RUNNING');
      await until('the old version runs, alone', async () => {
        return (await commandsOf(service, id)).join() === 'sleep 1001';
      });
      expect((await service.get(`programs/${id}`)).body).toMatchObject({
        command: 'exec sleep 1001',
        start_seconds: 0,
      });
    }
  });
});

describe('what changed while the service was away', () => {
  let service: Service;
  beforeAll(async () => void (service = await Service.start()));
  afterAll(() => service.dispose());

  it('is told as inferred, a replaced program as an end and a start, and nothing twice', async () => {
    const options = { autorestart: 'true' };
    const [same, replaced, ended] = [
      await service.add(options),
      await service.add(options),
      await service.add({ autorestart: 'false' }),
    ];
    const pids: Record<string, number> = {};
    for (const id of [same, replaced, ended])
      pids[id] = (await service.post(`programs/${id}/start`)).body.pid;
    // What was not told before the end of the service is told afterwards, and would be part of the story.
    const isTold = (id: string) =>
      statesTold(service).some(({ program, to }) => program === id && to === 'RUNNING');
    await until('the starts are told', () => [same, replaced, ended].every(isTold));
    const told = statesTold(service).length;
    await service.end('SIGKILL');
    process.kill(pids[replaced]!, 'SIGKILL');
    process.kill(pids[ended]!, 'SIGKILL');
    await until('it was replaced', async () => {
      const [pid] = await processesOf(service, replaced);
      return pid !== undefined && pid !== pids[replaced];
    });
    await until('it has ended', async () => (await processesOf(service, ended)).length === 0);
    await service.start();
    await until('all is told', () => statesTold(service).length >= told + 3);
    const story = statesTold(service).slice(told);
    const [pid] = await processesOf(service, replaced);
    expect(story.filter(({ program }) => program === replaced)).toMatchObject([
      { from: 'RUNNING', to: 'STOPPED', pid: pids[replaced], inferred: true },
      { from: 'STOPPED', to: 'RUNNING', pid, inferred: true },
    ]);
    expect(story.filter(({ program }) => program === ended)).toMatchObject([
      { from: 'RUNNING', to: 'FATAL', pid: pids[ended], inferred: true },
    ]);
    expect(story.filter(({ program }) => program === same)).toEqual([]);
  });
});

describe('when the service is told to stop', () => {
  let service: Service;
  afterEach(() => service.dispose());

  async function withOpenStream(): Promise<void> {
    const stream = await fetch(`${service.address}/api/v1/daemon/events`);
    void stream.text().catch(() => undefined);
  }

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'leaves programs running on %s and says how to end them',
    async (signal) => {
      service = await Service.start({ env: { DAEMON_LOG_LEVEL: 'info' } });
      const id = await service.add();
      const { pid } = (await service.post(`programs/${id}/start`)).body;
      await withOpenStream();
      const refused = await shutdown(service);
      expect(refused).toMatchObject({ code: 1, output: expect.stringMatching(/already uses/) });
      const before = Date.now();
      await service.end(signal);
      expect(Date.now() - before).toBeLessThan(5000);
      expect(service.output).toContain('npm run shutdown');
      expect(isAlive(pid)).toBe(true);
      await service.start();
      expect((await service.get(`status/${id}`)).body).toMatchObject({ status: 'RUNNING', pid });

      await service.end(signal);
      const { supervisorPid } = service;
      expect(await shutdown(service)).toEqual({
        code: 0,
        output: 'All programs and supervisord have ended.\n',
      });
      expect([pid, supervisorPid].filter(isAlive)).toEqual([]);
    },
  );

  it('ends everything in order, a higher priority number first, when it is to shut down', async () => {
    service = await Service.start({ env: { DAEMON_ON_STOP: 'shutdown' } });
    // Each takes a moment to end, so that one that does not wait for the other shows.
    const command = `trap 'sleep 0.3; exit 0' TERM; echo up; while :; do sleep 0.05; done`;
    const ids: string[] = [];
    for (const priority of [20, 30, 10]) {
      const id = await service.add({ command, priority });
      await service.post(`programs/${id}/start`);
      await service.until(`programs/${id}/logs`, ({ stdout }) => stdout === 'up\n');
      ids.push(id);
    }
    await withOpenStream();
    const { supervisorPid } = service;
    const pids = await processesOf(service);
    await service.end('SIGTERM');
    expect([supervisorPid, ...pids].filter(isAlive)).toEqual([]);
    const story = statesTold(service)
      .filter(({ to }) => to === 'STOPPING' || to === 'STOPPED')
      .map(({ program, to }) => `${program} ${to}`);
    expect(story).toEqual([ids[1], ids[0], ids[2]].flatMap((id) => [`${id} STOPPING`, `${id} STOPPED`]));

    await service.start();
    for (const id of ids) await service.until(`status/${id}`, ({ status }) => status === 'RUNNING');
  });
});

function shutdown({ stateDir }: Service): Promise<{ code: number | null; output: string }> {
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, DAEMON_STATE_DIR: stateDir };
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [SHUTDOWN], { env }, (_, stdout, stderr) =>
      resolve({ code: child.exitCode, output: stdout + stderr }),
    );
  });
}

async function commandsOf(service: Service, id: string): Promise<string[]> {
  const pids = await processesOf(service, id);
  return pids.flatMap((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').filter(Boolean).join(' ');
    } catch {
      return [];
    }
  });
}
