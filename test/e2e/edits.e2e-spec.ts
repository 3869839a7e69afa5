import { createServer } from 'node:net';
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isAlive, Service, temporaryFolder } from '../support/service';

describe('an edit', () => {
  let service: Service;
  const flags = temporaryFolder();
  beforeAll(async () => void (service = await Service.start()));
  afterAll(async () => {
    await service.dispose();
    rmSync(flags, { recursive: true });
  });

  const edit = (id: string, fields: object, query = '') =>
    service.post(`programs/edit/${id}${query}`, fields);
  const statusOf = async (id: string) => (await service.get(`status/${id}`)).body;

  /** What the process has become: right after its spawn it is a copy of supervisord. */
  async function argumentsOf(pid: number): Promise<string> {
    const path = `/proc/${pid}/cmdline`;
    for (const end = Date.now() + 5000; Date.now() < end; await delay(10))
      if (/^(sleep|python3)\0/.test(readFileSync(path, 'utf8'))) break;
    return readFileSync(path, 'utf8').split('\0').join(' ').trim();
  }

  async function running(fields: Record<string, unknown> = {}) {
    const id = await service.add(fields);
    const { status, body } = await service.post(`programs/${id}/start`, { all: true });
    expect(status).toBe(200);
    return { id, pid: body.pid as number };
  }

  it('is partial: what is not sent stays, environment and port_range are replaced, webhooks merged, null resets', async () => {
    const id = await service.add({
      description: 'old',
      environment: { A: '1', B: '2' },
      priority: 5,
      webhooks: { urls: ['https://hooks.example.com/x'], retry: 5, secret: 'hush' },
    });
    const before = (await service.get(`programs/${id}`)).body;
    const { body } = await edit(id, {
      name: 'New Name',
      environment: { C: '3' },
      priority: null,
      webhooks: { timeout: 3 },
    });
    expect(body.program).toEqual({
      ...before,
      name: 'New Name',
      environment: { C: '3' },
      priority: 999,
      webhooks: { ...before.webhooks, timeout: 3 },
    });
    expect(body.program.webhooks.secret_set).toBe(true);
    expect((await edit(id, { webhooks: { secret: null } })).body.program.webhooks.secret_set).toBe(false);
    expect((await service.get(`programs/${id}`)).body.id).toBe(id);
  });

  it('of a running program needs restart', async () => {
    const { id, pid } = await running();
    const { status, body } = await edit(id, { command: 'sleep 2000' });
    expect({ status, code: body.code }).toEqual({ status: 409, code: 'PROGRAM_RUNNING' });
    expect(body.error).toContain('"restart": true');
    expect(await statusOf(id)).toMatchObject({ pid });
  });

  describe('with restart', () => {
    it('replaces what runs by the new version', async () => {
      const { id, pid } = await running();
      const { status, body } = await edit(id, { command: 'sleep 2000', restart: true });
      expect(status).toBe(200);
      expect(body).toMatchObject({ program: { command: 'sleep 2000' }, restarted_ports: [0] });
      expect(isAlive(pid)).toBe(false);
      const { pid: now } = await statusOf(id);
      expect(await argumentsOf(now)).toBe('sleep 2000');
    });

    it('does not start what did not run', async () => {
      const id = await service.add();
      expect((await edit(id, { command: 'sleep 2000', restart: true })).body).toMatchObject({
        restarted_ports: [],
      });
      expect(await statusOf(id)).toMatchObject({ status: 'STOPPED' });
    });

    it.each([
      ['fails', 'echo no >&2; exit 8', { exit_status: 8, stderr: 'no', diagnosis: { cause: 'exited' } }],
      ['is not there', '/no/such/command', { exit_status: 0, diagnosis: { cause: 'command_not_found' } }],
    ])('puts the old version back and running when the new one %s', async (_, command, facts) => {
      const { id, pid } = await running({ start_seconds: 1 });
      const before = (await service.get(`programs/${id}`)).body;
      const { status, body } = await edit(id, { command, restart: true });
      expect(status).toBe(422);
      expect(body).toMatchObject({ code: 'START_FAILED', rolled_back: true, ...facts });
      expect(body.error).toMatch(/[^.]\. The version before is running again\.$/);
      expect((await service.get(`programs/${id}`)).body).toEqual(before);
      const now = await statusOf(id);
      expect(now).toMatchObject({ status: 'RUNNING' });
      expect(now).not.toHaveProperty('spawn_error');
      expect(now.pid).not.toBe(pid);
    });

    it('says that the old one fails now, too', async () => {
      const once = join(flags, 'once');
      writeFileSync(once, '');
      const { id } = await running({ command: `rm ${once} && exec sleep 1000`, start_seconds: 1 });
      const before = (await service.get(`programs/${id}`)).body;
      const { status, body } = await edit(id, { command: 'exit 8', restart: true });
      expect(status).toBe(422);
      expect(body).toMatchObject({ code: 'START_FAILED', rolled_back: false, exit_status: 8 });
      expect((await service.get(`programs/${id}`)).body).toEqual(before);
      expect(await statusOf(id)).toMatchObject({ status: 'FATAL', spawn_error: expect.any(String) });
    });

    it('restarts exactly the instances that ran, as far as they still exist', async () => {
      const { id } = await running({ port_range: { start: 22700, end: 22703 } });
      await service.post(`programs/${id}/stop`, { port: 22700 });
      const change = { command: 'sleep 2000', port_range: { start: 22700, end: 22702 }, restart: true };
      expect((await edit(id, change)).body).toMatchObject({ restarted_ports: [22701, 22702] });
      const { instances } = await statusOf(id);
      expect(instances.map(({ status }: { status: string }) => status)).toEqual([
        'STOPPED',
        'RUNNING',
        'RUNNING',
      ]);
    });

    it('puts all instances back when one of the new version fails', async () => {
      const { id } = await running({ port_range: { start: 22710, end: 22712 }, start_seconds: 1 });
      const change = { command: '[ $PORT != 22711 ] || exit 5; exec sleep 2000', restart: true };
      expect((await edit(id, change)).body).toMatchObject({ code: 'START_FAILED', rolled_back: true });
      const { instances } = await statusOf(id);
      for (const { pid } of instances) expect(await argumentsOf(pid)).toBe('sleep 1000');
    });

    it('moves a single process to its new port, and back when that is busy', async () => {
      const { id } = await running({
        command: 'exec python3 -m http.server {{PORT}} --bind 127.0.0.1',
        directory: '/',
        port_range: { start: 22720, end: 22720 },
        start_seconds: 1,
      });
      const moved = await edit(id, { port_range: { start: 22721, end: 22721 }, restart: true });
      expect(moved.body).toMatchObject({ restarted_ports: [22721] });
      expect((await fetch('http://127.0.0.1:22721/')).status).toBe(200);
      const holder = createServer().listen(22722, '0.0.0.0');
      const refused = await edit(id, { port_range: { start: 22722, end: 22722 }, restart: true });
      holder.close();
      expect(refused.body).toMatchObject({
        rolled_back: true,
        diagnosis: { cause: 'port_in_use', port: 22722 },
      });
      expect(await statusOf(id)).toMatchObject({ status: 'RUNNING' });
    });

    it('goes back to the old version when the service is killed before the verdict', async () => {
      const { id } = await running();
      const ready = service.until('status/' + id, ({ status }) => status === 'STARTING');
      const cutShort = edit(id, { command: 'sleep 3000', start_seconds: 60, restart: true }).catch(
        () => 'cut short',
      );
      await ready;
      await service.end('SIGKILL');
      expect(await cutShort).toBe('cut short');
      await service.start();
      expect((await service.get(`programs/${id}`)).body.command).toBe('sleep 1000');
      const { pid } = await service.until(`status/${id}`, ({ status }) => status === 'RUNNING');
      expect(await argumentsOf(pid)).toBe('sleep 1000');
    });
  });

  it('refuses the name and the ports of another', async () => {
    const [a, b] = [
      await service.add({ name: 'One' }),
      await service.add({ port_range: { start: 22730, end: 22731 } }),
    ];
    expect((await edit(b, { name: 'ONE' })).body.code).toBe('PROGRAM_ALREADY_EXISTS');
    expect((await edit(a, { port_range: { start: 22731, end: 22732 } })).body.code).toBe(
      'INVALID_PORT_RANGE',
    );
    expect((await edit(b, { port_range: { start: 22731, end: 22732 } })).status).toBe(200);
    expect((await edit(a, { port_param: '--port' })).body.code).toBe('VALIDATION_ERROR');
  });

  describe('as a dry run', () => {
    /** Everything in the state directory that an edit could change. */
    function files(): Record<string, unknown> {
      const names = readdirSync(service.stateDir, { recursive: true }).map(String);
      const kept = names.filter(
        (name) => /json$|conf$|launch\/|^logs\//.test(name) && !name.includes('events'),
      );
      return Object.fromEntries(kept.map((name) => [name, describeFile(join(service.stateDir, name))]));
    }
    const describeFile = (path: string) =>
      statSync(path).isFile() ? [statSync(path).mtimeMs, readFileSync(path, 'utf8')] : null;

    it('of an add says what there would be, and does nothing', async () => {
      const before = files();
      const { status, body } = await service.post('programs/add?dry_run=true', {
        name: 'dry',
        command: 'sleep 1',
        user: 'root',
        webhooks: { urls: ['https://hooks.example.com/x'], secret: 'hush-hush' },
      });
      expect(status).toBe(201);
      expect(body).toMatchObject({ success: true, dry_run: true, program: { id: 'dry' }, would_restart: [] });
      expect(body.changes).toContainEqual({ field: 'command', to: 'sleep 1' });
      expect(JSON.stringify(body)).not.toContain('hush-hush');
      expect(files()).toEqual(before);
      expect((await service.get('programs/dry')).status).toBe(404);
    });

    it('says what would change and restart, and does nothing', async () => {
      const { id } = await running({
        port_range: { start: 22740, end: 22742 },
        webhooks: { urls: ['https://a.example/'] },
      });
      await service.post(`programs/${id}/stop`, { port: 22741 });
      const [before, states] = [files(), await statusOf(id)];
      const change = { command: 'sleep 2', webhooks: { secret: 'hush-hush' }, restart: true };
      const { status, body } = await edit(id, change, '?dry_run=true');
      expect(status).toBe(200);
      expect(body).toMatchObject({
        success: true,
        dry_run: true,
        program: { command: 'sleep 2' },
        changes: [
          { field: 'command', from: 'sleep 1000', to: 'sleep 2' },
          { field: 'webhooks' },
          { field: 'webhooks.secret', from: null, to: '***' },
        ],
        would_restart: [22740, 22742],
      });
      expect(JSON.stringify(body)).not.toContain('hush-hush');
      expect(files()).toEqual(before);
      expect(await statusOf(id)).toEqual({ ...states, instances: expect.any(Array) });
      expect((await edit(id, { command: 'sleep 2' }, '?dry_run=true')).body.code).toBe('PROGRAM_RUNNING');
    });

    it.each([
      [{ user: 'no-such-user' }, 'USER_NOT_FOUND'],
      [{ port_range: { start: 9, end: 1 } }, 'INVALID_PORT_RANGE'],
      [{ stop_seconds: 301 }, 'VALIDATION_ERROR'],
    ])('finds what is wrong with %j', async (fields, code) => {
      const id = await service.add();
      expect((await edit(id, fields, '?dry_run=true')).body).toMatchObject({ success: false, code });
    });
  });

  describe('with an Idempotency-Key', () => {
    const fields = (name: string) => ({ name, command: 'sleep 1000', user: 'root' });
    const add = (name: string, key: string) =>
      service.post('programs/add', fields(name), { 'idempotency-key': key });

    it('answers the same again, also when 20 come at once, and after a restart of the service', async () => {
      const answers = await Promise.all(Array.from({ length: 20 }, () => add('keyed', 'k1')));
      for (const { status, body } of answers)
        expect({ status, body }).toEqual({ status: 201, body: answers[0]!.body });
      await service.end('SIGKILL');
      await service.start();
      expect((await add('keyed', 'k1')).body).toEqual(answers[0]!.body);
      expect((await add('other', 'k1')).body.code).toBe('IDEMPOTENCY_MISMATCH');
      expect((await add('keyed', 'k2')).body.code).toBe('PROGRAM_ALREADY_EXISTS');
    });

    it('launches one ephemeral program, and remembers a refusal', async () => {
      const launch = (command: string, key: string) =>
        service.post('quick-start', { command, user: 'root' }, { 'idempotency-key': key });
      const answers = await Promise.all(Array.from({ length: 5 }, () => launch('sleep 1000', 'q1')));
      expect(new Set(answers.map(({ body }) => body.temporary_id)).size).toBe(1);
      const id = await service.add();
      const key = { 'idempotency-key': 'e1' };
      await service.post(`programs/${id}/start`);
      const refused = await service.post(`programs/edit/${id}`, { command: 'sleep 5' }, key);
      await service.post(`programs/${id}/stop`);
      expect((await service.post(`programs/edit/${id}`, { command: 'sleep 5' }, key)).body).toEqual(
        refused.body,
      );
    });
  });

  it('can be undone as a whole: reset keeps the state before, and restore brings it back', async () => {
    const { id, pid } = await running({ name: 'before the reset' });
    const before = (await service.get('programs')).body;
    const { body: reset } = await service.post('programs/reset');
    expect(reset.backup).toMatch(/^programs\.backup-.*\.json$/);
    expect(isAlive(pid)).toBe(false);
    const { body: backups } = await service.get('programs/backups');
    expect(backups[0]).toEqual({ backup: reset.backup, created_at: expect.stringMatching(/^\d{4}-.*Z$/) });
    const { status, body } = await service.post('programs/restore', { backup: reset.backup });
    expect(status).toBe(200);
    expect(body).toMatchObject({ success: true, programs_count: before.length });
    expect((await service.get('programs')).body).toEqual(before);
    expect((await service.post(`programs/${id}/start`)).body.status).toBe('RUNNING');
    expect((await service.post('programs/restore', { backup: '../programs.json' })).status).toBe(404);
    expect((await service.post('programs/restore', {})).body.code).toBe('VALIDATION_ERROR');
  });
});
