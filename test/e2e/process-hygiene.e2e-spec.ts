import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive, Service, temporaryFolder } from '../support/service';

const REPORT = `/usr/bin/python3 -S ${join(__dirname, '..', 'fixtures', 'prints-its-process.py')}`;
const NOBODY = { uid: 65_534, gid: 65_534 };
/** Python itself ignores these two. */
const SIGPIPE_AND_XFSZ = (1 << 12) | (1 << 24);

describe('the processes of programs', () => {
  let service: Service;
  let folder: string;
  beforeAll(async () => {
    process.env.SECRET_OF_THE_TESTS = 'x';
    service = await Service.start({ env: { SECRET_OF_THE_SERVICE: 'x' } });
    folder = temporaryFolder();
    chmodSync(folder, 0o777);
  });
  afterAll(async () => {
    await service.dispose();
    rmSync(folder, { recursive: true });
  });

  async function report(fields: Record<string, unknown> = {}) {
    const { body } = await service.post('quick-start', {
      command: REPORT,
      user: 'root',
      wait_for_exit: true,
      ...fields,
    });
    expect(body).toMatchObject({ exit_status: 0, stderr: '' });
    return JSON.parse(body.stdout);
  }

  /** Starts a program that writes pids of its processes, one a line. */
  async function startWithPids(command: string, count: number, fields: Record<string, unknown> = {}) {
    const id = await service.add({ command, ...fields });
    await service.post(`programs/${id}/start`);
    const { stdout } = await service.until(
      `programs/${id}/logs`,
      (body) => body.stdout.split('\n').length > count,
    );
    return { id, pids: stdout.trim().split('\n').map(Number) as number[] };
  }

  it.each([`true; ${REPORT}`, REPORT])('are as at a login, with %s', async (command) => {
    const seen = await report({ command });
    expect(seen).toMatchObject({ cwd: '/root', umask: '0o22', blocked: 0, descriptors: [0, 1, 2] });
    expect(seen.ignored & ~SIGPIPE_AND_XFSZ).toBe(0);
    const { HOODY_DAEMON_MARK, ...env } = seen.env;
    expect(env).toEqual({
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      HOME: '/root',
      USER: 'root',
      LOGNAME: 'root',
      SHELL: '/bin/bash',
      LANG: 'C.UTF-8',
      PWD: '/root',
    });
    expect(HOODY_DAEMON_MARK).toContain(':hoody_eph-');
  });

  it('do not ignore SIGPIPE', async () => {
    const { body } = await service.post('quick-start', {
      command: 'yes | head -1; cat /proc/self/status | grep SigIgn',
      user: 'root',
      wait_for_exit: true,
    });
    expect(body).toMatchObject({ stdout: 'y\nSigIgn:\t0000000000000000\n', stderr: '' });
  });

  it('have an open, empty standard input', async () => {
    const { body } = await service.post('quick-start', {
      command: 'timeout 0.2 cat; echo $?',
      user: 'root',
      wait_for_exit: true,
    });
    expect(body.stdout).toBe('124\n');
  });

  it('run as nobody, in / because that home does not exist', async () => {
    const seen = await report({ user: 'nobody' });
    expect(seen).toMatchObject({ cwd: '/', uids: Array(4).fill('65534'), gids: Array(4).fill('65534') });
    expect(seen.groups).toEqual([65_534]);
    expect(seen.env).toMatchObject({ HOME: '/nonexistent', USER: 'nobody', SHELL: '/usr/sbin/nologin' });
  });

  it('have the supplementary groups and the home of a user that was made just now', async () => {
    const user = `hoody${process.pid}`;
    execFileSync('useradd', ['--create-home', '--shell', '/bin/dash', '--groups', 'audio,video', user]);
    try {
      const seen = await report({ user });
      const [group] = execFileSync('id', ['-g', user]).toString().trim().split(' ').map(Number);
      const ids = execFileSync('id', ['-G', user]).toString().trim().split(' ').map(Number);
      expect(seen).toMatchObject({ cwd: `/home/${user}`, gids: Array(4).fill(String(group)) });
      expect(seen.groups).toEqual(ids.sort((a, b) => a - b));
      expect(seen.env).toMatchObject({ HOME: `/home/${user}`, LOGNAME: user, SHELL: '/bin/dash' });
    } finally {
      spawnSync('userdel', ['--remove', user]);
    }
  });

  it('run in their directory, quotes and dashes in its name included', async () => {
    const directory = join(folder, `-it's "a" $HOME; %`);
    mkdirSync(directory);
    expect((await report({ directory })).cwd).toBe(directory);
  });

  it('end with children, grandchildren and those that left for a session of their own', async () => {
    const command = `
      echo $$
      sh -c 'echo $$; sh -c "echo \\$\\$; exec sleep 1000" & wait' &
      setsid sh -c 'echo $$; exec sleep 1000' &
      setsid sh -c 'setsid sh -c "echo \\$\\$; exec sleep 1000" & exit 0' &
      wait`;
    const { id, pids } = await startWithPids(command, 5);
    expect(pids.every(isAlive)).toBe(true);
    await service.post(`programs/${id}/stop`);
    expect(pids.filter(isAlive)).toEqual([]);
  });

  it('are killed, all of them, stop_seconds after a signal that they ignore', async () => {
    const command = `trap '' TERM; echo $$; sh -c 'trap "" TERM; echo $$; while :; do sleep 0.1; done' & while :; do sleep 0.1; done`;
    const { id, pids } = await startWithPids(command, 2, { stop_seconds: 1 });
    const began = Date.now();
    expect((await service.post(`programs/${id}/stop`)).status).toBe(200);
    expect(Date.now() - began).toBeGreaterThanOrEqual(1000);
    expect(Date.now() - began).toBeLessThan(4000);
    expect(pids.filter(isAlive)).toEqual([]);
  });

  it.each(['TERM', 'INT', 'HUP', 'QUIT', 'USR1', 'USR2'])(
    'get SIG%s behind a shell with pipes, and may take their time to end',
    async (signal) => {
      const child = `import signal, sys, time
def end(*_):
    time.sleep(0.3); print('ended well', flush=True); sys.exit(0)
signal.signal(signal.SIG${signal}, end); print('ready', flush=True)
while True: time.sleep(100)`;
      // cat must not end first, or nobody reads what python says last.
      const command = `cd / && python3 -S -c "${child}" | (trap '' ${signal}; cat)`;
      const id = await service.add({ command, stop_signal: signal });
      await service.post(`programs/${id}/start`);
      await service.until(`programs/${id}/logs`, (body) => body.stdout === 'ready\n');
      await service.post(`programs/${id}/stop`);
      expect((await service.get(`programs/${id}/logs`)).body.stdout).toBe('ready\nended well\n');
    },
  );

  it('end at once with SIGKILL as stop signal', async () => {
    const { id, pids } = await startWithPids(`trap '' TERM; echo $$; sleep 1000; :`, 1, {
      stop_signal: 'KILL',
    });
    await service.post(`programs/${id}/stop`);
    expect(pids.filter(isAlive)).toEqual([]);
  });

  it('leave what is not theirs alone', async () => {
    const first = await startWithPids('echo $$; exec sleep 1000', 1);
    const second = await startWithPids('echo $$; exec sleep 1000', 1);
    await service.post(`programs/${first.id}/stop`);
    expect(isAlive(second.pids[0]!)).toBe(true);
  });
});

const main = join(__dirname, '..', '..', 'dist', 'main.js');
const canReach =
  process.getuid?.() === 0 &&
  spawnSync('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', 'test', '-r', main]).status === 0;

(canReach ? describe : describe.skip)('a service that is not root', () => {
  const stateDir = temporaryFolder();
  let service: Service;
  beforeAll(async () => {
    chownSync(stateDir, NOBODY.uid, NOBODY.gid);
    service = await Service.start({ stateDir, runAs: NOBODY });
  });
  afterAll(async () => {
    await service.dispose();
    rmSync(stateDir, { recursive: true });
  });

  it('runs programs as its own user', async () => {
    const { body } = await service.post('quick-start', {
      command: 'id -un; pwd',
      user: 'nobody',
      wait_for_exit: true,
    });
    expect(body).toMatchObject({ stdout: 'nobody\n/\n', exit_status: 0 });
    const id = await service.add({ user: 'nobody' });
    const { pid } = (await service.post(`programs/${id}/start`)).body;
    expect(readFileSync(`/proc/${pid}/status`, 'utf8')).toMatch(/^Uid:\t65534\t65534/m);
    await service.post(`programs/${id}/stop`);
    expect(isAlive(pid)).toBe(false);
  });

  it.each(['root', 'daemon'])('answers USER_NOT_ALLOWED for %s', async (user) => {
    const fields = { name: 'other', command: 'id', user };
    expect((await service.post('programs/add', fields)).body.code).toBe('USER_NOT_ALLOWED');
    expect((await service.post('quick-start', { command: 'id', user })).body.code).toBe('USER_NOT_ALLOWED');
  });

  it('answers USER_NOT_FOUND for a user that does not exist', async () => {
    const fields = { name: 'other', command: 'id', user: 'no-such-user' };
    expect((await service.post('programs/add', fields)).body.code).toBe('USER_NOT_FOUND');
  });
});
