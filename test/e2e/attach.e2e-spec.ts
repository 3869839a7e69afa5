import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { OwnSupervisord, type OwnSupervisordOptions } from '../support/own-supervisord';
import { isAlive, Service, temporaryFolder } from '../support/service';
import { SlowProxy } from '../support/slow-proxy';

const HTTP_PORT = 26100;

async function until(isAsWanted: () => boolean | Promise<boolean>, withinMs = 15_000): Promise<void> {
  for (const end = Date.now() + withinMs; !(await isAsWanted()); await delay(10))
    if (Date.now() > end) throw new Error(`It did not come true: ${isAsWanted.toString()}`);
}

function pidIn(file: string): number {
  try {
    return Number(readFileSync(file, 'utf8'));
  } catch {
    return 0;
  }
}

describe.each<[string, OwnSupervisordOptions]>([
  ['the bridge over a unix socket', { bridge: true }],
  ['polling over a unix socket', { bridge: false }],
  ['polling over HTTP with a password', { bridge: false, port: HTTP_PORT }],
])('attached to the supervisord of somebody else, %s', (_, options) => {
  const owner = new OwnSupervisord(options);
  let service: Service;
  let webPid: number;
  beforeAll(async () => {
    await owner.start();
    webPid = (await owner.infoOf('web')).pid;
    service = await Service.start({ env: owner.env });
  });
  afterAll(async () => {
    await service.dispose();
    await owner.dispose();
  });

  it('says in health how it learns of states', async () => {
    expect((await service.get('health')).body).toMatchObject({
      status: 'healthy',
      mirror: options.bridge ? 'bridge' : 'polling',
    });
  });

  it('adds, starts, reads, edits, disables, enables, restarts, stops and removes a program', async () => {
    const id = await service.add({ command: 'echo one; exec sleep 1000' });
    const started = await service.post(`programs/${id}/start`);
    expect(started.body).toMatchObject({ status: 'RUNNING', pid: expect.any(Number) });
    expect((await service.get(`status/${id}`)).body).toMatchObject({
      status: 'RUNNING',
      pid: started.body.pid,
    });
    await until(async () => (await service.get(`programs/${id}/logs`)).body.stdout === 'one\n');
    const edited = await service.post(`programs/edit/${id}`, { command: 'exec sleep 2000', restart: true });
    expect(edited.status).toBe(200);
    const { pid } = (await service.get(`status/${id}`)).body;
    await until(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8') === 'sleep\x002000\x00');
    const restarted = await service.post(`programs/${id}/restart`);
    expect(restarted.body).toMatchObject({ message: 'Program restarted', status: 'RUNNING' });
    expect(restarted.body.pid).not.toBe(pid);
    expect((await service.post(`programs/${id}/disable`)).body.actions).toEqual([
      'stopped',
      'removed from supervisord',
    ]);
    expect((await service.post(`programs/${id}/enable`)).status).toBe(200);
    expect((await service.post(`programs/${id}/start`)).body.status).toBe('RUNNING');
    expect((await service.post(`programs/${id}/stop`)).body.message).toBe('Program stopped');
    expect((await service.get(`status/${id}`)).body).toMatchObject({ status: 'STOPPED', pid: null });
    expect((await service.post(`programs/remove/${id}`)).body.was_running).toBe(false);
  });

  it('runs a command to its end and brings its result', async () => {
    const { body } = await service.post('quick-start', {
      command: 'echo out; echo err >&2; exit 3',
      user: 'root',
      wait_for_exit: true,
    });
    expect(body).toMatchObject({ status: 'FATAL', exit_status: 3, stdout: 'out\n', stderr: 'err\n' });
  });

  it('answers START_FAILED for a crash at the start, also for two in the same second', async () => {
    const id = await service.add({ command: 'echo no luck >&2; exit 3', start_seconds: 1 });
    for (let i = 0; i < 3; i++) {
      const { status, body } = await service.post(`programs/${id}/start`);
      expect(status).toBe(422);
      // supervisord itself forgets the exit status of an attempt that ended too soon.
      const exit_status = options.bridge ? 3 : 0;
      expect(body).toMatchObject({ code: 'START_FAILED', status: 'FATAL', exit_status, stderr: 'no luck' });
      expect((await service.get(`status/${id}`)).body.status).toBe('FATAL');
    }
    expect((await service.post(`programs/${id}/stop`)).status).toBe(200);
    expect((await service.get(`status/${id}`)).body).toMatchObject({ status: 'STOPPED' });
    await service.post(`programs/remove/${id}`);
  });

  // What follows does not depend on how supervisord is reached.
  if (options.port) return;

  it('sees a program that is killed, and its replacement', async () => {
    const id = await service.add({ autorestart: 'true' });
    const { pid } = (await service.post(`programs/${id}/start`)).body;
    process.kill(pid, 'SIGKILL');
    await service.until(`status/${id}`, (body) => body.status === 'RUNNING' && body.pid !== pid);
    await service.post(`programs/remove/${id}`);
  });

  it('starts and stops 50 instances', async () => {
    const id = await service.add({ port_range: { start: 26_200, end: 26_249 } });
    const { body } = await service.post(`programs/${id}/start`, { all: true });
    expect(body.started_ports).toHaveLength(50);
    const { instances } = (await service.get(`status/${id}`)).body;
    expect(new Set(instances.map((instance: { pid: number }) => instance.pid)).size).toBe(50);
    expect((await service.post(`programs/${id}/stop`, { all: true })).body.stopped_ports).toHaveLength(50);
    await service.post(`programs/remove/${id}`);
  });

  it('has nothing to change for the owner, who rereads and updates', async () => {
    const id = await service.add({ command: `printf '%s; #' "x" | cat; sleep 1000` });
    const { pid } = (await service.post(`programs/${id}/start`)).body;
    expect(await owner.ctl('reread')).toBe('No config updates to processes\n');
    expect(await owner.ctl('update')).toBe('');
    expect((await service.get(`status/${id}`)).body.pid).toBe(pid);
    await service.post(`programs/remove/${id}`);
    expect(await owner.ctl('reread')).toBe('No config updates to processes\n');
  });

  it('shows what the owner stops as STOPPED and leaves it so, also when the service starts again', async () => {
    const id = await service.add();
    const kept = await service.add();
    await service.post(`programs/${id}/start`);
    const { pid } = (await service.post(`programs/${kept}/start`)).body;
    await owner.ctl('stop', `hoody_${id}:*`);
    await service.until(`status/${id}`, (body) => body.status === 'STOPPED');
    await service.end();
    await service.start();
    await service.until(`status/${kept}`, (body) => body.pid === pid);
    expect((await service.get(`status/${id}`)).body.status).toBe('STOPPED');
    expect((await service.post(`programs/${id}/start`)).body.status).toBe('RUNNING');
    await service.post(`programs/remove/${id}`);
    await service.post(`programs/remove/${kept}`);
  });

  it.each(['SIGTERM', 'SIGKILL', 'reload'] as const)(
    'brings its programs back exactly once after the owner restarts supervisord with %s',
    async (how) => {
      const strayFile = join(service.stateDir, `stray-${how}`);
      const id = await service.add({
        command: `setsid sh -c 'echo $$ > ${strayFile}; exec sleep 1000' & sleep 1000`,
        stop_seconds: 1,
      });
      const never = await service.add({ boot: 'never' });
      const { pid } = (await service.post(`programs/${id}/start`)).body;
      await service.post(`programs/${never}/start`);
      await until(() => pidIn(strayFile) > 0);
      const stray = pidIn(strayFile);
      if (how === 'reload') await owner.ctl('reload');
      else {
        await owner.end(how);
        if (how === 'SIGKILL') {
          await service.until('health', (body) => body.status === 'unhealthy');
          expect((await service.post(`programs/${id}/start`)).body.code).toBe('SUPERVISORD_ERROR');
          // Whoever runs it does not see to what a crash leaves behind.
          process.kill(webPid, 'SIGKILL');
        }
        await owner.start();
      }
      await service.until(`status/${id}`, (body) => body.status === 'RUNNING' && body.pid !== pid);
      await until(() => !isAlive(stray) && pidIn(strayFile) !== stray);
      expect(isAlive(pid)).toBe(false);
      expect((await service.get(`status/${never}`)).body.status).toBe('STOPPED');
      webPid = (await owner.infoOf('web')).pid;
      await service.post(`programs/remove/${id}`);
      await service.post(`programs/remove/${never}`);
      expect(isAlive(pidIn(strayFile))).toBe(false);
    },
  );

  it('never lists or touches the programs of the owner', async () => {
    const names = (await service.get('status')).body.map(({ id }: { id: string }) => id);
    expect(names).not.toContain('web');
    expect(names).not.toContain('worker');
    await service.post('programs/reset');
    expect((await owner.infoOf('web')).pid).toBe(webPid);
    expect((await owner.infoOf('worker')).start).toBe(0);
  });

  it('says SUPERVISORD_ERROR while supervisord hangs, never kills it, and heals', async () => {
    const id = await service.add();
    const { pid } = (await service.post(`programs/${id}/start`)).body;
    process.kill(owner.pid, 'SIGSTOP');
    expect((await service.post(`programs/${id}/stop`)).body.code).toBe('SUPERVISORD_ERROR');
    await service.until('health', (body) => body.checks.supervisord === 'disconnected');
    expect((await service.get(`status/${id}`)).body.status).toBe('UNKNOWN');
    expect(isAlive(owner.pid)).toBe(true);
    process.kill(owner.pid, 'SIGCONT');
    await service.until('health', (body) => body.status === 'healthy');
    await service.post(`programs/remove/${id}`);
    expect(isAlive(pid)).toBe(false);
  });

  it('takes all of its own away when it ends with DAEMON_ON_STOP=shutdown', async () => {
    const second = await Service.start({
      env: { ...owner.env, DAEMON_ON_STOP: 'shutdown' },
      stateDir: (await leave(service)).stateDir,
    });
    const id = await second.add();
    const { pid } = (await second.post(`programs/${id}/start`)).body;
    await second.end();
    expect(isAlive(pid)).toBe(false);
    expect(readdirSync(owner.confDir)).toEqual(['owner.conf']);
    expect((await owner.infoOf('web')).pid).toBe(webPid);
    await second.start();
    await second.until(`status/${id}`, (body) => body.status === 'RUNNING');
    await second.end();
  });
});

/** One service per state directory. */
async function leave(service: Service): Promise<Service> {
  await service.end();
  return service;
}

describe('attached without the bridge', () => {
  const owner = new OwnSupervisord({ bridge: false });
  const foreignFile = join(owner.confDir, 'broken.conf');
  let service: Service;
  beforeAll(async () => {
    await owner.start();
    service = await Service.start({ env: owner.env });
  });
  afterAll(async () => {
    await service.dispose();
    await owner.dispose();
  });

  it.each([
    ['a user that does not exist', '[program:broken]\ncommand=/bin/true\nuser=no-such-user\n'],
    ['lines that are no INI', 'this is not INI\n'],
  ])('names a foreign file with %s and takes its own file back', async (_, text) => {
    const before = readdirSync(owner.confDir);
    writeFileSync(foreignFile, text);
    const { status, body } = await service.post('programs/add', {
      name: 'Blocked',
      command: 'sleep 1',
      user: 'root',
    });
    expect(status).toBe(503);
    expect(body).toMatchObject({ code: 'SUPERVISORD_ERROR', error: expect.stringContaining(foreignFile) });
    rmSync(foreignFile);
    expect(readdirSync(owner.confDir)).toEqual(before);
    expect((await service.get('programs/blocked')).status).toBe(404);
    await service.post(`programs/remove/${await service.add({ name: 'Blocked' })}`);
  });

  it('leaves files behind with which supervisord starts again when the service is gone', async () => {
    const id = await service.add();
    await service.post(`programs/${id}/start`);
    await service.end('SIGKILL');
    await owner.end();
    await owner.start();
    expect((await owner.infoOf(`hoody_${id}:hoody_${id}`)).statename).toBe('STOPPED');
    await service.start();
    await service.until(`status/${id}`, (body) => body.status === 'RUNNING');
  });
});

describe('attached to a supervisord that is not there', () => {
  const owner = new OwnSupervisord({ bridge: false });
  const stateDir = temporaryFolder();
  afterAll(async () => {
    await owner.dispose();
    rmSync(stateDir, { recursive: true });
  });

  it('starts, is unhealthy, and heals when supervisord comes', async () => {
    const service = await Service.start({ env: owner.env, stateDir });
    expect((await service.get('health')).status).toBe(503);
    const refused = await service.post('programs/add', { name: 'early', command: 'sleep 9', user: 'root' });
    expect(refused.body.code).toBe('SUPERVISORD_ERROR');
    await owner.start();
    await service.until('health', (body) => body.status === 'healthy');
    const id = await service.add();
    expect((await service.post(`programs/${id}/start`)).body.status).toBe('RUNNING');
    await service.dispose();
  });
});

describe('polling', () => {
  const owner = new OwnSupervisord({ bridge: false });
  const proxy = new SlowProxy(owner.folder, join(owner.folder, 's.sock'));
  let service: Service;
  beforeAll(async () => {
    await owner.start();
    await proxy.start();
    service = await Service.start({ env: { ...owner.env, DAEMON_SUPERVISOR_URL: proxy.url } });
  });
  afterAll(async () => {
    await service.dispose();
    proxy.dispose();
    await owner.dispose();
  });

  function polls() {
    return proxy.seen.filter(({ method, to }) => method.includes('getAllProcessInfo') && to > 0);
  }

  it('asks once a second while nothing happens, however often states are read', async () => {
    await until(() => (polls().at(-1)?.from ?? 0) - (polls().at(-2)?.to ?? 0) > 900);
    const before = proxy.seen.length;
    for (const end = Date.now() + 2200; Date.now() < end;) await service.get('status');
    expect(proxy.seen.length - before).toBeLessThanOrEqual(3);
  });

  it('puts one question at a time and leaves a slow supervisord alone for longer', async () => {
    proxy.delayMs = 200;
    const before = proxy.seen.length;
    const id = await service.add();
    await service.post(`programs/${id}/start`);
    await service.post(`programs/${id}/stop`);
    proxy.delayMs = 0;
    const asked = polls().filter(({ from }) => from >= proxy.seen[before]!.from);
    expect(asked.length).toBeGreaterThan(2);
    const slow = asked.filter(({ from, to }) => to - from >= 200);
    for (const [i, poll] of slow.slice(1).entries())
      expect(poll.from - slow[i]!.to).toBeGreaterThanOrEqual(700);
  });
});
