import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isAlive, Service } from '../support/service';

describe('an ephemeral program', () => {
  let service: Service;
  beforeAll(async () => void (service = await Service.start({ env: { DAEMON_EPHEMERAL_RETENTION: '1' } })));
  afterAll(() => service.dispose());

  async function launch(fields: Record<string, unknown>) {
    const { status, body } = await service.post('quick-start', { user: 'root', ...fields });
    expect({ status, body }).toMatchObject({ status: 201, body: { success: true } });
    return body;
  }
  const isGone = async (id: string) => (await service.get(`quick-start/${id}/status`)).status === 404;

  it('is listed with everything that is known of it', async () => {
    const started = await launch({
      command: 'sleep 1000',
      name: 'nightly import',
      ttl: 600,
      stop_signal: 'INT',
    });
    const listed = {
      temporary_id: started.temporary_id,
      name: 'nightly import',
      command: 'sleep 1000',
      user: 'root',
      status: 'RUNNING',
      pid: started.pid,
      uptime: expect.any(Number),
      exit_status: 0,
      created_at: expect.stringMatching(/^\d{4}-.*Z$/),
      expires_at: expect.stringMatching(/^\d{4}-.*Z$/),
      pending_cleanup: false,
    };
    const { body } = await service.get('quick-start');
    expect(body).toEqual([listed]);
    expect(Date.parse(body[0].expires_at) - Date.parse(body[0].created_at)).toBe(600_000);
    expect((await service.get(`quick-start/${started.temporary_id}/status`)).body).toEqual(listed);
    expect((await service.get(`quick-start/${started.temporary_id}/logs`)).body).toEqual({
      stdout: '',
      stderr: '',
    });
  });

  it.each([
    ['exit 0', 'STOPPED', 0],
    ['exit 3', 'FATAL', 3],
    ['no-such-command-in-a-shell; exit 127', 'FATAL', 127],
    ['kill -9 $$', 'FATAL', 137],
  ])(
    'that ends at once (%s) was started, and is then %s with its exit status',
    async (command, status, exit_status) => {
      const { temporary_id, status: atFirst } = await launch({ command });
      expect(atFirst).toBe('RUNNING');
      const ended = await service.until(`quick-start/${temporary_id}/status`, (body) => body.pending_cleanup);
      expect(ended).toMatchObject({ status, exit_status, pid: null, uptime: 0 });
    },
  );

  it('that has ended stays for the retention time, and goes with its logs and its files', async () => {
    const { temporary_id: id } = await launch({ command: 'echo kept' });
    await service.until(`quick-start/${id}/status`, (body) => body.pending_cleanup);
    expect((await service.get(`quick-start/${id}/logs`)).body.stdout).toBe('kept\n');
    await service.until(
      'quick-start',
      (list) => !list.some((one: { temporary_id: string }) => one.temporary_id === id),
    );
    expect(await isGone(id)).toBe(true);
    // It leaves the list first: a crash in between is then healed by the next start.
    const left = () =>
      readdirSync(service.stateDir, { recursive: true }).filter((name) => String(name).includes(id));
    for (const end = Date.now() + 5000; Date.now() < end && left().length > 0;) await delay(10);
    expect(left()).toEqual([]);
    expect(readFileSync(join(service.stateDir, 'ephemeral.json'), 'utf8')).not.toContain(id);
  });

  it('that has ended is cleaned up by a stop, which does not say that it stopped it', async () => {
    const { temporary_id: id } = await launch({ command: 'true' });
    await service.until(`quick-start/${id}/status`, (body) => body.pending_cleanup);
    expect((await service.post(`quick-start/${id}/stop`)).body).toEqual({
      success: true,
      message: 'Ephemeral program stopped and removed',
      actions_performed: ['deleted supervisord config', 'removed from ephemeral.json'],
    });
    expect((await service.post(`quick-start/${id}/stop`)).body.code).toBe('PROGRAM_NOT_FOUND');
  });

  it('is stopped and cleaned up when its ttl is over', async () => {
    const { temporary_id: id, pid } = await launch({ command: 'sleep 1000', ttl: 1 });
    await service.until(
      'quick-start',
      (list) => !list.some((one: { temporary_id: string }) => one.temporary_id === id),
    );
    expect(isAlive(pid)).toBe(false);
  });

  it('brings its result with wait_for_exit', async () => {
    const result = await launch({
      command: 'echo out; echo err >&2; exit 4',
      wait_for_exit: true,
      environment: { A: 'b' },
    });
    expect(result).toMatchObject({
      status: 'FATAL',
      pid: null,
      exit_status: 4,
      stdout: 'out\n',
      stderr: 'err\n',
    });
    expect(result).not.toHaveProperty('timed_out');
    const long = await launch({ command: 'seq 1 250', wait_for_exit: true });
    expect(long).toMatchObject({ status: 'STOPPED', exit_status: 0 });
    expect(long.stdout.split('\n').slice(0, 2)).toEqual(['151', '152']);
  });

  it('runs on when the time to wait for its end is over', async () => {
    const result = await launch({ command: 'echo begun; sleep 1000', wait_for_exit: true, timeout: 1 });
    expect(result).toMatchObject({
      status: 'RUNNING',
      timed_out: true,
      stdout: 'begun\n',
      pid: expect.any(Number),
    });
    expect(result).not.toHaveProperty('exit_status');
    expect((await service.get(`quick-start/${result.temporary_id}/status`)).body.status).toBe('RUNNING');
  });

  it('knows its port, directory and environment; another may have the same port', async () => {
    const fields = {
      command: 'echo {{PORT}} $PORT $A; pwd',
      environment: { A: 'b c', PORT: 'mine' },
      directory: '/usr',
      port_range: { start: 22600, end: 22600 },
      wait_for_exit: true,
    };
    for (const _ of [1, 2]) expect((await launch(fields)).stdout).toBe('22600 22600 b c\n/usr\n');
  });

  it('that can not be started at all leaves nothing', async () => {
    const before = (await service.get('quick-start')).body.length;
    const { status, body } = await service.post('quick-start', {
      command: 'true',
      user: 'root',
      directory: '/no/such',
    });
    expect(status).toBe(422);
    expect(body).toMatchObject({ code: 'START_FAILED', diagnosis: { cause: 'directory_missing' } });
    expect((await service.get('quick-start')).body.length).toBeLessThanOrEqual(before);
    expect(readFileSync(join(service.stateDir, 'ephemeral.json'), 'utf8')).not.toContain('/no/such');
  });

  it.each([
    [{ command: 'true' }, 'VALIDATION_ERROR'],
    [{ user: 'root' }, 'VALIDATION_ERROR'],
    [{ command: 'true', user: 'no-such-user' }, 'USER_NOT_FOUND'],
    [{ command: 'true', user: 'root', ttl: 0 }, 'VALIDATION_ERROR'],
    [{ command: 'true', user: 'root', ttl: 86_401 }, 'VALIDATION_ERROR'],
    [{ command: 'true', user: 'root', autorestart: 'true' }, 'VALIDATION_ERROR'],
    [{ command: 'echo {{PORT}}', user: 'root' }, 'VALIDATION_ERROR'],
    [{ command: 'true', user: 'root', port_range: { start: 22600, end: 22601 } }, 'INVALID_PORT_RANGE'],
  ])('can not be launched from %j: %s', async (fields, code) => {
    const { status, body } = await service.post('quick-start', fields);
    expect({ status, code: body.code }).toEqual({ status: 400, code });
  });

  it('stopped twice at once is stopped once, and then not there', async () => {
    const { temporary_id: id, pid } = await launch({ command: 'sleep 1000' });
    const answers = await Promise.all([1, 2].map(() => service.post(`quick-start/${id}/stop`)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 404]);
    expect(isAlive(pid)).toBe(false);
  });

  it('survives a restart of the service, but not a new supervisord', async () => {
    const { temporary_id: id, pid } = await launch({ command: 'sleep 1000' });
    await service.end('SIGKILL');
    await service.start();
    expect((await service.get(`quick-start/${id}/status`)).body).toMatchObject({ status: 'RUNNING', pid });
    process.kill(service.supervisorPid, 'SIGKILL');
    await service.until('quick-start', (list) => list.length === 0);
    expect(isAlive(pid)).toBe(false);
  });
});
