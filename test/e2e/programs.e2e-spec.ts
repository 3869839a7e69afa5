import { chmodSync, existsSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive, Service, temporaryFolder } from '../support/service';

describe('a program', () => {
  let service: Service;
  const folder = temporaryFolder();
  chmodSync(folder, 0o777);
  beforeAll(async () => void (service = await Service.start()));
  afterAll(() => service.dispose());

  async function start(fields: Record<string, unknown>, options?: object) {
    const id = await service.add(fields);
    const { status, body } = await service.post(`programs/${id}/start`, options);
    return { id, status, body };
  }
  const statusOf = async (id: string) => (await service.get(`status/${id}`)).body;
  const stdoutOf = (id: string, isComplete: (text: string) => boolean): Promise<{ stdout: string }> =>
    service.until(`programs/${id}/logs`, ({ stdout }) => isComplete(stdout));

  describe('in the list', () => {
    const ids = async (query: string) =>
      (await service.get(`programs?${query}`)).body.map(({ id }: { id: string }) => id);

    it('is found by its filters, in order of creation', async () => {
      const portless = await service.add({ name: 'zz first' });
      const one = await service.add({ name: 'aa second', port_range: { start: 22300, end: 22300 } });
      const range = await service.add({ port_range: { start: 22310, end: 22319 }, enabled: false });
      expect(await ids('hoody_kit=false')).toEqual([portless, one, range]);
      expect(await ids('hoody_kit=true')).toHaveLength(5);
      expect(await ids('enabled=false')).toEqual([range]);
      expect(await ids('port=22315')).toEqual([range]);
      expect(await ids('port=22301')).toEqual([]);
      expect(await ids('port_from=22300&port_to=22310')).toEqual([one, range]);
      expect(await ids('port_from=22301&port_to=22309')).toEqual([]);
      expect(await ids('port_from=22300&port_to=22310&enabled=true')).toEqual([one]);
      expect((await service.get('status?port=22315')).body).toMatchObject([
        { id: range, instances: [{ port: 22315 }] },
      ]);
      expect((await service.get('status?port=22300')).body).toMatchObject([{ id: one, status: 'STOPPED' }]);
      expect((await service.get(`status/${range}?port=22300`)).body.code).toBe('PORT_NOT_IN_RANGE');
    });

    it('shows its status and stats when they are asked for', async () => {
      const { id } = await start({ command: 'sleep 1000 & sleep 1000 & wait' });
      const shown = async (query: string) =>
        (await service.get(`programs?${query}`)).body.find((one: { id: string }) => one.id === id);
      expect(await shown('enabled=true')).not.toHaveProperty('status');
      expect((await shown('include_status=true')).status).toEqual(await statusOf(id));
      await service.until(`status/${id}?include_stats=true`, ({ stats }) => stats.process_count === 3);
      const stats = {
        cpu_percent: expect.any(Number),
        memory_rss_bytes: expect.any(Number),
        process_count: 3,
        started_at: expect.stringMatching(/^\d{4}-.*Z$/),
      };
      expect(await shown('include_stats=true')).toMatchObject({ stats, status: { status: 'RUNNING' } });
      await service.post(`programs/${id}/stop`);
      expect(await shown('include_stats=true')).toMatchObject({ stats: null });
    });
  });

  describe('runs', () => {
    it('with umask 022, in its directory, in a clean environment of its user that `environment` wins over', async () => {
      const { id } = await start({
        command: 'umask; pwd; env; exec sleep 1000',
        directory: folder,
        user: 'nobody',
        environment: { LANG: 'de_DE.UTF-8', PORT: 'mine', A: "%;'\n{{PORT}}" },
        port_range: { start: 22330, end: 22330 },
      });
      const { stdout } = await stdoutOf(id, (text) => text.includes('SHELL='));
      expect(stdout).toContain(`0022\n${folder}\n`);
      expect(stdout).toContain("A=%;'\n22330\n");
      const lines = stdout.split('\n').slice(2);
      expect(lines).toEqual(
        expect.arrayContaining(['LANG=de_DE.UTF-8', 'PORT=22330', 'USER=nobody', 'LOGNAME=nobody']),
      );
      const names = lines.map((line) => /^(\w+)=/.exec(line)?.[1]).filter(Boolean);
      const ours = [
        'A',
        'HOME',
        'HOODY_DAEMON_MARK',
        'LANG',
        'LOGNAME',
        'PATH',
        'PORT',
        'PWD',
        'SHELL',
        'USER',
      ];
      expect([...new Set(names)].filter((name) => name !== '_' && name !== 'OLDPWD').sort()).toEqual(ours);
    });

    it('in the home of its user, with the port appended to its command', async () => {
      const { id, body } = await start({
        command: 'exec python3 -c "import sys,time; print(sys.argv[1:], flush=True); time.sleep(1000)"',
        port_range: { start: 22331, end: 22331 },
        port_param: '--port',
      });
      const { stdout } = await stdoutOf(id, (text) => text !== '');
      expect(stdout).toBe("['--port', '22331']\n");
      expect(readlinkSync(`/proc/${body.pid}/cwd`)).toBe(process.env.HOME);
    });

    it('again after a crash, and not after a good end (autorestart unexpected)', async () => {
      const { id, body } = await start({ command: 'exec sleep 1000' });
      process.kill(body.pid, 'SIGKILL');
      await service.until(`status/${id}`, ({ status, pid }) => status === 'RUNNING' && pid !== body.pid);
      const ended = await start({ command: 'sleep 0.2' });
      await service.until(`status/${ended.id}`, ({ status }) => status === 'STOPPED');
      expect(await statusOf(ended.id)).toMatchObject({ exit_status: 0 });
      const { transitions } = (await service.get(`programs/${ended.id}/history`)).body;
      expect(transitions.map(({ to }: { to: string }) => to)).toEqual(['STOPPED', 'RUNNING', 'STARTING']);
    });

    it('again after a good end, too (autorestart true)', async () => {
      const { id } = await start({ command: 'echo run; sleep 0.2', autorestart: true });
      await stdoutOf(id, (text) => text.startsWith('run\nrun\nrun\n'));
      expect((await service.get(`programs/${id}`)).body.autorestart).toBe('true');
      await service.post(`programs/${id}/stop`);
    });

    it('not again after a crash (autorestart false)', async () => {
      const { id, body } = await start({ autorestart: false });
      process.kill(body.pid, 'SIGTERM');
      await service.until(`status/${id}`, ({ status }) => status === 'FATAL');
      expect(await statusOf(id)).toMatchObject({ exit_status: 143, pid: null, uptime: 0 });
    });
  });

  describe('starts', () => {
    it('once only when the start is waited for', async () => {
      const { id, status } = await start({ command: 'echo try; exit 1', start_seconds: 1, start_retries: 3 });
      expect(status).toBe(422);
      expect((await service.get(`programs/${id}/logs`)).body.stdout).toBe('try\n');
      expect(await statusOf(id)).toMatchObject({ status: 'FATAL' });
    });

    it('as often as start_retries says with wait: false', async () => {
      const fields = { command: 'echo try; exit 1', start_seconds: 1, start_retries: 1 };
      const { id, body } = await start(fields, { wait: false });
      expect(body).toMatchObject({ success: true, message: 'Program starting', status: 'STARTING' });
      await service.until(`status/${id}`, ({ status }) => status === 'FATAL');
      expect((await service.get(`programs/${id}/logs`)).body.stdout).toBe('try\ntry\n');
    });

    it('successfully when it runs already', async () => {
      const { id, body } = await start({});
      expect((await service.post(`programs/${id}/start`)).body).toEqual({
        success: true,
        message: 'Program already running',
        already_running: true,
        status: 'RUNNING',
        pid: body.pid,
      });
      expect((await service.post(`programs/${id}/start`, { all: true })).body.started_ports).toEqual([]);
    });

    it('on after START_TIMEOUT, and is FATAL when that attempt fails', async () => {
      const { id, status, body } = await start(
        { command: 'sleep 1.5; exit 6', start_seconds: 30, start_retries: 3 },
        { timeout: 1 },
      );
      expect(status).toBe(504);
      expect(body).toMatchObject({ code: 'START_TIMEOUT', status: 'STARTING' });
      expect(await service.until(`status/${id}`, ({ status }) => status !== 'STARTING')).toMatchObject({
        status: 'FATAL',
        exit_status: 6,
      });
    });

    it('and says when it accepts connections (wait_for port)', async () => {
      const server =
        'import socket,time; time.sleep(0.5); s=socket.create_server(("127.0.0.1",{{PORT}})); time.sleep(1000)';
      const { body } = await start(
        { command: `exec python3 -c '${server}'`, port_range: { start: 22340, end: 22340 } },
        { wait_for: 'port' },
      );
      expect(body).toMatchObject({ status: 'RUNNING', ready_after_ms: expect.any(Number) });
      expect(body.ready_after_ms).toBeGreaterThanOrEqual(500);
      const deaf = await start(
        { port_range: { start: 22341, end: 22341 } },
        { wait_for: 'port', timeout: 1 },
      );
      expect(deaf).toMatchObject({
        status: 504,
        body: { code: 'START_TIMEOUT', error: expect.stringContaining('22341') },
      });
      const portless = await start({}, { wait_for: 'port' });
      expect(portless.body).toMatchObject({ code: 'VALIDATION_ERROR', details: [{ field: 'wait_for' }] });
    });

    it('by a restart, whether it runs or not, but not while it is disabled', async () => {
      const id = await service.add();
      const restart = async () => (await service.post(`programs/${id}/restart`)).body;
      const first = await restart();
      expect(first).toEqual({
        success: true,
        message: 'Program restarted',
        status: 'RUNNING',
        pid: expect.any(Number),
      });
      const second = await restart();
      expect(second.pid).not.toBe(first.pid);
      expect(isAlive(first.pid)).toBe(false);
      await service.post(`programs/${id}/disable`);
      expect(await restart()).toMatchObject({ code: 'PROGRAM_DISABLED' });
    });
  });

  describe('stops', () => {
    it('by its stop_signal', async () => {
      const { id } = await start({
        command: "trap 'echo got it; exit 0' USR2; echo ready; while :; do sleep 0.05; done",
        stop_signal: 'USR2',
      });
      await stdoutOf(id, (text) => text === 'ready\n');
      expect((await service.post(`programs/${id}/stop`)).body).toEqual({
        success: true,
        message: 'Program stopped',
      });
      await stdoutOf(id, (text) => text === 'ready\ngot it\n');
    });

    it('with all its processes, by SIGKILL after stop_seconds', async () => {
      const { id } = await start({
        command:
          "trap '' TERM; (trap '' TERM; while :; do sleep 0.1; done) & echo $!; while :; do sleep 0.1; done",
        stop_seconds: 1,
      });
      const { stdout } = await stdoutOf(id, (text) => text.endsWith('\n'));
      const before = Date.now();
      expect((await service.post(`programs/${id}/stop`)).status).toBe(200);
      expect(Date.now() - before).toBeGreaterThanOrEqual(900);
      expect(isAlive(Number(stdout))).toBe(false);
      expect(await statusOf(id)).toMatchObject({ status: 'STOPPED', exit_status: 137 });
    });

    it('on after STOP_TIMEOUT', async () => {
      const { id } = await start({
        command: "trap '' TERM; echo ready; while :; do sleep 0.1; done",
        stop_seconds: 2,
      });
      await stdoutOf(id, (text) => text === 'ready\n');
      const { status, body } = await service.post(`programs/${id}/stop`, { timeout: 1 });
      expect(status).toBe(504);
      expect(body).toMatchObject({ code: 'STOP_TIMEOUT', status: 'STOPPING' });
      await service.until(`status/${id}`, ({ status }) => status === 'STOPPED');
    });

    it('in the background with wait: false', async () => {
      const { id } = await start({});
      const { body } = await service.post(`programs/${id}/stop`, { wait: false });
      expect(body).toMatchObject({
        success: true,
        message: 'Program stopping',
        status: expect.stringMatching(/^STOPP/),
      });
      await service.until(`status/${id}`, ({ status }) => status === 'STOPPED');
    });

    it('successfully when it does not run', async () => {
      const id = await service.add();
      expect((await service.post(`programs/${id}/stop`)).body).toEqual({
        success: true,
        message: 'Program stopped',
      });
      expect((await service.post(`programs/${id}/stop`, { all: true })).body.stopped_ports).toEqual([]);
    });
  });

  describe('has logs', () => {
    const path = (id: string, name = 'stdout.log') => join(service.stateDir, 'logs', `${id}.${name}`);

    it('that rotate at log_max_bytes, keep log_backups files, and are read through them', async () => {
      const { id } = await start({
        command: 'for i in $(seq 1000 1599); do echo "line $i"; echo "error $i" >&2; done; exec sleep 1000',
        log_max_bytes: 2000,
        log_backups: 1,
      });
      const { stdout, stderr } = await service.until(`programs/${id}/logs?lines=150`, ({ stdout, stderr }) =>
        [stdout, stderr].every((text) => text.endsWith(' 1599\n')),
      );
      const wanted = (word: string, from: number) =>
        Array.from({ length: 1600 - from }, (_, i) => `${word} ${from + i}\n`).join('');
      expect(stdout.endsWith(wanted('line', 1600 - stdout.split('\n').length + 1))).toBe(true);
      expect(stderr.split('\n').length).toBeGreaterThan(100);
      expect(existsSync(path(id, 'stdout.log.1'))).toBe(true);
      expect(existsSync(path(id, 'stdout.log.2'))).toBe(false);
      const read = async (query: string) => (await service.get(`programs/${id}/logs?${query}`)).body;
      expect(await read('lines=2')).toEqual({ stdout: wanted('line', 1598), stderr: wanted('error', 1598) });
      expect(await read('lines=1&type=stderr')).toEqual({ stdout: '', stderr: 'error 1599\n' });
      expect(await read('grep=1598')).toEqual({ stdout: 'line 1598\n', stderr: 'error 1598\n' });
      expect((await service.get(`programs/${id}/logs?port=22300`)).body.code).toBe('PORT_NOT_IN_RANGE');
    });

    it('unless logs_enabled is false; then what was kept goes, too', async () => {
      const { id } = await start({ command: 'echo kept; exec sleep 1000' });
      await stdoutOf(id, (text) => text === 'kept\n');
      await service.post(`programs/edit/${id}`, { logs_enabled: false, restart: true });
      expect((await service.get(`programs/${id}/logs`)).body).toEqual({ stdout: '', stderr: '' });
      expect(existsSync(path(id))).toBe(false);
    });

    it('that go with it, unless they are to be kept', async () => {
      const gone = await start({ command: 'echo x; exec sleep 1000' });
      const kept = await start({ command: 'echo x; exec sleep 1000' });
      for (const { id } of [gone, kept]) await stdoutOf(id, (text) => text === 'x\n');
      await service.post(`programs/remove/${gone.id}`);
      const { body } = await service.post(`programs/remove/${kept.id}?keep_logs=true`);
      expect(body).toEqual({ success: true, message: 'Program removed permanently', was_running: true });
      expect(existsSync(path(gone.id))).toBe(false);
      expect(readFileSync(path(kept.id), 'utf8')).toBe('x\n');
    });

    it.each(['?keep_logs=true', ''])('whose followers are told of its removal%s', async (query) => {
      const { id } = await start({ command: 'echo x; exec sleep 1000' });
      const stream = await fetch(`${service.address}/api/v1/daemon/programs/${id}/logs/stream`);
      const text = stream.text();
      await service.post(`programs/remove/${id}${query}`);
      expect(await text).toContain('event: end');
    });
  });

  it('is disabled and enabled again, and says what was done', async () => {
    const { id } = await start({});
    const disable = async () => (await service.post(`programs/${id}/disable`)).body;
    expect(await disable()).toMatchObject({
      was_running: true,
      actions: ['stopped', 'removed from supervisord'],
    });
    expect(await disable()).toEqual({
      success: true,
      message: 'Program disabled',
      was_running: false,
      actions: [],
    });
    expect(await statusOf(id)).toMatchObject({ status: 'STOPPED', pid: null, exit_status: 0 });
    await service.post(`programs/${id}/enable`);
    await service.post(`programs/${id}/enable`);
    expect(await disable()).toMatchObject({ was_running: false, actions: ['removed from supervisord'] });
    expect((await service.post(`programs/edit/${id}`, { enabled: true })).body.program.enabled).toBe(true);
    expect((await service.post(`programs/${id}/start`)).body.status).toBe('RUNNING');
    expect((await service.post(`programs/edit/${id}`, { enabled: false })).status).toBe(200);
    expect(await statusOf(id)).toMatchObject({ status: 'STOPPED' });
  });

  it('has a slug of its name as id', async () => {
    for (const [name, id] of [
      ['Web Server', 'web-server'],
      ['Café', 'cafe'],
    ])
      expect(await service.add({ name })).toBe(id);
    expect(
      (await service.post('programs/add', { name: 'web  server!', command: 'x', user: 'root' })).body,
    ).toMatchObject({
      code: 'PROGRAM_ALREADY_EXISTS',
    });
  });
});
