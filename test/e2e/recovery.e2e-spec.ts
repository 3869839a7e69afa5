import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { processesOf, until } from '../support/processes';
import { Service, isAlive, temporaryFolder } from '../support/service';

const isRoot = process.geteuid?.() === 0;
const asRoot = isRoot ? it : it.skip;
const withMounts = isRoot && canMount() ? it : it.skip;

/** Its grandchild left the process group and ignores SIGTERM. */
const STUBBORN = `setsid sh -c 'trap "" TERM; while :; do sleep 1; done' & exec sleep 1000`;

describe('when supervisord goes', () => {
  let service: Service;
  let runs: string;
  let stubborn: string;
  let stopped: string;
  beforeAll(async () => {
    service = await Service.start();
    runs = await service.add();
    stubborn = await service.add({ command: STUBBORN });
    stopped = await service.add();
    for (const id of [runs, stubborn, stopped]) await service.post(`programs/${id}/start`);
    await service.post(`programs/${stopped}/stop`);
    await until('the grandchild runs', async () => (await processesOf(service, stubborn)).length >= 3);
  });
  afterAll(() => service.dispose());

  it('notices within a second that supervisord was killed, and runs again exactly what ran', async () => {
    const before = await processesOf(service);
    const { supervisorPid } = service;
    process.kill(supervisorPid, 'SIGKILL');
    const health = await service.until('health', (body) => body.status === 'unhealthy', 1000);
    expect(health.checks.supervisord).toBe('disconnected');
    expect((await service.get(`status/${runs}`)).body.status).toBe('UNKNOWN');
    for (const [action, id] of [
      ['start', stopped],
      ['stop', runs],
      ['restart', runs],
      ['remove', stopped],
    ] as const) {
      const path = action === 'remove' ? `programs/remove/${id}` : `programs/${id}/${action}`;
      const { status, body } = await service.post(path);
      expect([status, body.code]).toEqual([503, 'SUPERVISORD_ERROR']);
    }

    for (const id of [runs, stubborn]) await service.until(`status/${id}`, (s) => s.status === 'RUNNING');
    expect((await service.get('health')).status).toBe(200);
    expect(service.supervisorPid).not.toBe(supervisorPid);
    expect(before.filter(isAlive)).toEqual([]);
    const { pid } = (await service.get(`status/${runs}`)).body;
    // A process bears its mark from its exec on.
    await until('it runs once', async () => String(await processesOf(service, runs)) === String(pid));
    await until('one grandchild runs', async () => (await processesOf(service, stubborn)).length === 3);
    expect((await service.get(`status/${stopped}`)).body.status).toBe('STOPPED');
    expect(await processesOf(service, stopped)).toEqual([]);
    expect((await service.post(`programs/${stopped}/start`)).status).toBe(200);
    await service.post(`programs/${stopped}/stop`);
  });

  it('says that a frozen supervisord does not answer, leaves it alive, and heals when it goes on', async () => {
    const { supervisorPid } = service;
    const { pid } = (await service.get(`status/${runs}`)).body;
    process.kill(supervisorPid, 'SIGSTOP');
    try {
      await service.until('health', (body) => body.checks.supervisord === 'disconnected', 9000);
      expect((await service.get('health')).status).toBe(503);
      expect((await service.get(`status/${runs}`)).body.status).toBe('UNKNOWN');
      expect((await service.post(`programs/${runs}/stop`)).body.code).toBe('SUPERVISORD_ERROR');
      expect(isAlive(supervisorPid)).toBe(true);
    } finally {
      process.kill(supervisorPid, 'SIGCONT');
    }
    await service.until('health', (body) => body.status === 'healthy');
    expect((await service.get(`status/${runs}`)).body).toMatchObject({ status: 'RUNNING', pid });
    expect(service.supervisorPid).toBe(supervisorPid);
  });

  it('reaches supervisord again after its socket file was deleted, also while the service was away', async () => {
    const { supervisorPid } = service;
    const socket = join(service.stateDir, 'supervisor', 'supervisor.sock');
    rmSync(socket);
    expect((await service.post(`programs/${stopped}/start`)).status).toBe(200);
    await service.end('SIGKILL');
    rmSync(socket);
    await service.start();
    expect((await service.post(`programs/${stopped}/stop`)).status).toBe(200);
    expect(service.supervisorPid).toBe(supervisorPid);
  });
});

describe('when somebody changes the files behind the service', () => {
  let service: Service;
  let id: string;
  beforeAll(async () => {
    service = await Service.start();
    id = await service.add({ command: 'echo hello; exec sleep 1000' });
  });
  afterAll(() => service.dispose());
  afterEach(() => service.post(`programs/${id}/stop`));

  const launcher = () => join(service.stateDir, 'launch', `${id}.sh`);
  const groupFile = () => join(service.stateDir, 'supervisor', 'conf.d', `hoody-${id}.conf`);

  it('starts a program although the log directory was deleted, and has its log', async () => {
    rmSync(join(service.stateDir, 'logs'), { recursive: true });
    expect((await service.post(`programs/${id}/start`)).status).toBe(200);
    await service.until(`programs/${id}/logs`, ({ stdout }) => stdout === 'hello\n');
  });

  it.each([
    ['deleted', () => rmSync(launcher())],
    ['changed', () => writeFileSync(launcher(), 'exit 7\n')],
    ['deleted with its folder', () => rmSync(join(launcher(), '..'), { recursive: true })],
  ])('starts a program whose launcher was %s', async (_, damage) => {
    damage();
    expect((await service.post(`programs/${id}/start`)).body).toMatchObject({ status: 'RUNNING' });
    expect(readFileSync(launcher(), 'utf8')).toContain('echo hello');
    expect(statSync(launcher()).mode & 0o777).toBe(0o500);
  });

  it('puts generated files right at its next start, and takes away those of nobody', async () => {
    const group = readFileSync(groupFile(), 'utf8');
    const script = readFileSync(launcher(), 'utf8');
    await service.end('SIGKILL');
    writeFileSync(groupFile(), '[program:broken\n');
    writeFileSync(launcher(), 'exit 7\n');
    const stale = [
      join(service.stateDir, 'supervisor', 'conf.d', 'hoody-gone.conf'),
      join(service.stateDir, 'launch', 'gone.sh'),
      `${launcher()}.17-1.tmp`,
    ];
    for (const file of stale) writeFileSync(file, '');
    await service.start();
    expect(readFileSync(groupFile(), 'utf8')).toBe(group);
    expect(readFileSync(launcher(), 'utf8')).toBe(script);
    const ids = (await service.get('programs')).body.map((program: { id: string }) => program.id);
    const named = (name: (id: string) => string) => ids.map(name).sort();
    expect(readdirSync(join(launcher(), '..')).sort()).toEqual(named((each) => `${each}.sh`));
    expect(readdirSync(join(groupFile(), '..')).sort()).toEqual(named((each) => `hoody-${each}.conf`));
  });

  asRoot('shows a program whose user was deleted as FATAL, and runs all others', async () => {
    const user = `hoody-t${process.pid}`;
    execFileSync('useradd', ['--no-create-home', user]);
    let isThere = true;
    try {
      const orphan = await service.add({ user });
      const { temporary_id } = (await service.post('quick-start', { command: 'sleep 1000', user })).body;
      for (const each of [orphan, id]) await service.post(`programs/${each}/start`);
      await service.end('SIGKILL');
      execFileSync('userdel', ['--force', user], { stdio: 'ignore' });
      isThere = false;

      await service.start();
      expect((await service.get('health')).status).toBe(200);
      expect((await service.get(`status/${orphan}`)).body.status).toBe('RUNNING');
      expect((await service.get(`quick-start/${temporary_id}/status`)).body.status).toBe('RUNNING');

      process.kill(service.supervisorPid, 'SIGKILL');
      await service.until(`status/${orphan}`, ({ status }) => status === 'FATAL');
      const status = await service.until(`status/${id}`, (body) => body.status === 'RUNNING');
      expect(status.pid).toEqual(expect.any(Number));
      expect((await service.get(`status/${orphan}`)).body.spawn_error).toContain(user);
      expect((await service.get('programs')).body.map((p: { id: string }) => p.id)).toContain(orphan);
    } finally {
      if (isThere) execFileSync('userdel', ['--force', user], { stdio: 'ignore' });
    }
  });

  it('refuses a second service on the same state directory with one line', async () => {
    const second = new Service({ stateDir: service.stateDir });
    const { code, output } = await second.startToFail();
    expect(code).toBe(1);
    expect(output.trim()).toMatch(/^Another hoody-daemon \(pid \d+\) already uses \S+\. Stop it, or set .+$/);
    expect((await service.get('health')).status).toBe(200);
  });
});

describe('when the disk takes nothing', () => {
  const folder = temporaryFolder();
  const mounts: string[] = [];
  let service: Service | undefined;
  afterEach(async () => {
    await service?.dispose();
    for (const mounted of mounts.splice(0).reverse()) execFileSync('umount', ['--lazy', mounted]);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  withMounts('says that the disk is full, loses nothing, and heals when there is room again', async () => {
    const stateDir = join(folder, 'small');
    mkdirSync(stateDir);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=600k,mode=0711', 'tmpfs', stateDir]);
    mounts.push(stateDir);
    service = await Service.start({ stateDir });
    const runs = await service.add();
    const stopped = await service.add();
    const { pid } = (await service.post(`programs/${runs}/start`)).body;
    const ballast = join(stateDir, 'ballast');
    fillUp(ballast);

    const full = { code: 'INTERNAL_ERROR', error: expect.stringMatching(/no space left on device/) };
    const added = await service.post('programs/add', { name: 'More', command: 'true', user: 'root' });
    expect(added.body).toMatchObject(full);
    expect((await service.post(`programs/${stopped}/start`)).body).toMatchObject(full);
    expect((await service.post('quick-start', { command: 'true', user: 'root' })).body).toMatchObject(full);
    expect((await service.get('programs/more')).status).toBe(404);
    expect((await service.get(`status/${runs}`)).body).toMatchObject({ status: 'RUNNING', pid });

    const { supervisorPid } = service;
    await service.end('SIGKILL');
    process.kill(supervisorPid, 'SIGKILL');
    await until('supervisord is gone', () => !isAlive(supervisorPid));
    await service.start();
    const { status, body } = await service.get('health');
    expect([status, body.problems.join()]).toEqual([503, expect.stringMatching(/no space left/)]);

    rmSync(ballast);
    await service.until(`status/${runs}`, (s) => s.status === 'RUNNING');
    await until('it runs once', async () => (await processesOf(service!, runs)).length === 1);
    expect((await service.post(`programs/${stopped}/start`)).status).toBe(200);
  });

  withMounts('says that the state directory is read-only, runs on, and heals', async () => {
    const stateDir = join(folder, 'sealed');
    mkdirSync(stateDir);
    service = await Service.start({ stateDir });
    const runs = await service.add();
    const stopped = await service.add();
    const { pid } = (await service.post(`programs/${runs}/start`)).body;
    execFileSync('mount', ['--bind', stateDir, stateDir]);
    execFileSync('mount', ['-o', 'remount,bind,ro', stateDir]);
    mounts.push(stateDir);

    const sealed = { code: 'INTERNAL_ERROR', error: expect.stringMatching(/read-only/) };
    const fields = { name: 'More', command: 'true', user: 'root' };
    expect((await service.post('programs/add', fields)).body).toMatchObject(sealed);
    expect((await service.post(`programs/${stopped}/start`)).body).toMatchObject(sealed);
    expect((await service.post(`programs/remove/${runs}`)).body).toMatchObject(sealed);
    expect((await service.post('programs/reset')).body).toMatchObject(sealed);
    expect((await service.get(`status/${runs}`)).body).toMatchObject({ status: 'RUNNING', pid });

    execFileSync('umount', [mounts.pop()!]);
    expect((await service.post('programs/add', fields)).status).toBe(201);
    expect((await service.post(`programs/${stopped}/start`)).status).toBe(200);
  });
});

function fillUp(file: string): void {
  for (let size = 1 << 20; size > 0; size >>= 1)
    for (;;)
      try {
        writeFileSync(file, Buffer.alloc(size), { flag: 'a' });
      } catch {
        break;
      }
}

function canMount(): boolean {
  const folder = temporaryFolder();
  try {
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', folder], { stdio: 'ignore' });
    execFileSync('umount', [folder]);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
