import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Service, temporaryFolder } from '../support/service';

/** Each test has its own ports: 22400, 22410 … */
describe('a program with an instance per port', () => {
  let service: Service;
  let nextPort = 22400;
  const flags = temporaryFolder();
  beforeAll(async () => void (service = await Service.start({ env: { DAEMON_PORT: '22399' } })));
  afterAll(async () => {
    await service.dispose();
    rmSync(flags, { recursive: true });
  });

  async function fleet(size: number, fields: Record<string, unknown> = {}) {
    const first = nextPort;
    nextPort += 10;
    const id = await service.add({ port_range: { start: first, end: first + size - 1 }, ...fields });
    return { id, first, ports: Array.from({ length: size }, (_, i) => first + i) };
  }
  const act = async (id: string, action: string, body: object) =>
    (await service.post(`programs/${id}/${action}`, body)).body;
  const pids = async (id: string): Promise<Record<number, number | null>> => {
    const { instances } = (await service.get(`status/${id}`)).body;
    return Object.fromEntries(
      instances.map(({ port, pid }: { port: number; pid: number | null }) => [port, pid]),
    );
  };

  it('starts, restarts and stops the instance that is asked for, and no other', async () => {
    const { id, first } = await fleet(3);
    const started = await act(id, 'start', { port: first + 1 });
    expect(started).toEqual({
      success: true,
      message: 'Program instance started',
      port: first + 1,
      status: 'RUNNING',
      pid: expect.any(Number),
    });
    expect(await act(id, 'restart', { port: first + 1 })).toMatchObject({
      message: 'Program instance restarted',
      port: first + 1,
    });
    expect(await pids(id)).toEqual({
      [first]: null,
      [first + 1]: expect.any(Number),
      [first + 2]: null,
    });
    expect(await act(id, 'stop', { port: first + 1 })).toEqual({
      success: true,
      message: 'Program instance stopped',
      port: first + 1,
    });
  });

  it('starts, restarts and stops all, and lists those it did', async () => {
    const { id, first, ports } = await fleet(3);
    await act(id, 'start', { port: first });
    const started = { success: true, message: 'All instances started', started_ports: ports.slice(1) };
    expect(await act(id, 'start', { all: true })).toEqual(started);
    await act(id, 'stop', { port: first + 2 });
    const before = await pids(id);
    expect(await act(id, 'restart', { all: true })).toEqual({
      success: true,
      message: 'All instances restarted',
      restarted_ports: [first, first + 1],
    });
    const after = await pids(id);
    expect(after[first]).not.toBe(before[first]);
    expect(after[first + 2]).toBeNull();
    expect(await act(id, 'stop', { all: true, wait: false })).toEqual({
      success: true,
      message: 'All instances stopping',
      stopped_ports: [first, first + 1],
    });
    await service.until(`status/${id}`, ({ instances }) =>
      instances.every(({ status }: { status: string }) => status === 'STOPPED'),
    );
  });

  it('takes a list of ports and ranges', async () => {
    const { id, first } = await fleet(6);
    const ports = [first, `${first + 3}-${first + 5}`, String(first)];
    const listed = [first, first + 3, first + 4, first + 5];
    expect(await act(id, 'start', { ports })).toMatchObject({ started_ports: listed });
    expect(await act(id, 'restart', { ports: [`${first}-${first + 3}`] })).toMatchObject({
      restarted_ports: [first, first + 3],
    });
    expect(await act(id, 'stop', { ports })).toMatchObject({ stopped_ports: listed });
  });

  it.each([
    [{}, 'PORT_REQUIRED'],
    [{ all: false }, 'PORT_REQUIRED'],
    [{ port: 22999 }, 'PORT_NOT_IN_RANGE'],
    [{ ports: Array.from({ length: 1000 }, () => '1-65535') }, 'PORT_NOT_IN_RANGE'],
    [{ ports: ['5-1'] }, 'VALIDATION_ERROR'],
    [{ ports: [] }, 'VALIDATION_ERROR'],
    [{ port: 22400, all: true }, 'VALIDATION_ERROR'],
    [{ port: '22400' }, 'VALIDATION_ERROR'],
    [{ port: 70000 }, 'VALIDATION_ERROR'],
  ])('refuses %j with %s', async (body, code) => {
    const { id } = await fleet(2);
    for (const action of ['start', 'stop', 'restart'])
      expect(await act(id, action, body)).toMatchObject({ code });
  });

  it('needs a port to read its logs, and has them for each', async () => {
    const { id, first } = await fleet(2, { command: 'echo I am $PORT or {{PORT}}; exec sleep 1000' });
    await act(id, 'start', { all: true });
    for (const port of [first, first + 1])
      await service.until(
        `programs/${id}/logs?port=${port}`,
        ({ stdout }) => stdout === `I am ${port} or ${port}\n`,
      );
    expect((await service.get(`programs/${id}/logs`)).body.code).toBe('PORT_REQUIRED');
  });

  it('rolls batch by batch, stops at the first that fails, and says what was not restarted', async () => {
    const { id, ports } = await fleet(6, {
      command: `[ ! -e ${flags}/{{PORT}} ] || exit 9; exec sleep 1000`,
      start_seconds: 1,
    });
    await act(id, 'start', { all: true });
    writeFileSync(join(flags, String(ports[2])), '');
    const before = await pids(id);
    const { status, body } = await service.post(`programs/${id}/restart`, { all: true, batch: 2 });
    expect(status).toBe(422);
    expect(body).toMatchObject({
      code: 'START_FAILED',
      restarted_ports: [ports[0], ports[1], ports[3]],
      failed: [{ port: ports[2], error: expect.stringContaining('exited with code 9') }],
      not_restarted_ports: [ports[4], ports[5]],
    });
    const after = await pids(id);
    expect(after[ports[2]!]).toBeNull();
    for (const port of ports.slice(4)) expect(after[port]).toBe(before[port]);
  });

  it('waits for the port of each instance before it goes on with the next', async () => {
    const { id, ports } = await fleet(2, {
      command: 'exec python3 -m http.server {{PORT}} --bind 127.0.0.1',
      directory: '/',
    });
    await act(id, 'start', { all: true, wait_for: 'port' });
    expect(await act(id, 'restart', { all: true, wait_for: 'port' })).toMatchObject({
      restarted_ports: ports,
    });
    for (const port of ports) expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(200);
  });

  it('keeps the others running when only its range changes', async () => {
    const { id, first } = await fleet(4);
    await act(id, 'start', { all: true });
    const before = await pids(id);
    const range = { start: first, end: first + 1 };
    expect((await service.post(`programs/edit/${id}`, { port_range: range })).body.code).toBe(
      'PROGRAM_RUNNING',
    );
    const { body } = await service.post(`programs/edit/${id}`, { port_range: range, restart: true });
    expect(body).toMatchObject({
      message: 'Program updated',
      program: { port_range: range },
      restarted_ports: [],
    });
    expect(await pids(id)).toEqual({ [first]: before[first], [first + 1]: before[first + 1] });
    const wider = { start: first, end: first + 5 };
    await service.post(`programs/edit/${id}`, { port_range: wider, restart: true });
    expect(await pids(id)).toMatchObject({ [first]: before[first], [first + 5]: null });
    expect(await act(id, 'start', { port: first + 5 })).toMatchObject({ status: 'RUNNING' });
  });

  it('ends the streams and deletes the logs of the ports that it loses', async () => {
    const { id, first } = await fleet(3, { command: 'echo {{PORT}}; exec sleep 1000' });
    await act(id, 'start', { all: true });
    await act(id, 'stop', { port: first + 2 });
    const stream = await fetch(
      `${service.address}/api/v1/daemon/programs/${id}/logs/stream?port=${first + 2}`,
    );
    const text = stream.text();
    await service.post(`programs/edit/${id}`, { port_range: { start: first, end: first + 1 } });
    expect(await text).toContain('event: end');
    await service.post(`programs/edit/${id}`, { port_range: { start: first, end: first + 2 } });
    expect((await service.get(`programs/${id}/logs?port=${first + 2}`)).body.stdout).toBe('');
    expect((await service.get(`programs/${id}/logs?port=${first}`)).body.stdout).toBe(`${first}\n`);
  });

  it('shows stats in each instance', async () => {
    const { id, first } = await fleet(2);
    await act(id, 'start', { port: first });
    const { instances } = (await service.get(`status/${id}?include_stats=true`)).body;
    expect(instances).toMatchObject([{ stats: { process_count: 1 } }, { stats: null }]);
  });

  it('takes a port each with one port only: the flat status, and `all` adds the list', async () => {
    const { id, first } = await fleet(1);
    expect(await act(id, 'start', { all: true })).toMatchObject({
      message: 'Program started',
      status: 'RUNNING',
      started_ports: [first],
    });
    expect((await service.get(`status/${id}`)).body).toMatchObject({ id, status: 'RUNNING' });
    expect(await act(id, 'restart', { port: first })).toMatchObject({
      message: 'Program instance restarted',
      port: first,
    });
    expect(await act(id, 'stop', { all: true })).toMatchObject({
      message: 'Program stopped',
      stopped_ports: [first],
    });
    expect(await act(id, 'start', { port: first + 1 })).toMatchObject({ code: 'PORT_NOT_IN_RANGE' });
  });

  it.each([
    [{ start: 22900, end: 23900 }, /1001 ports; at most 1000/],
    [{ start: 22910, end: 22900 }, /starts after it ends/],
    [{ start: 65000, end: 65536 }, /outside 1\.\.65535/],
    [{ start: 0, end: 5 }, /outside 1\.\.65535/],
    [{ start: 22400, end: 22950 }, /overlaps with .* of program/],
  ])('can not have the range %j', async (port_range, error) => {
    const { status, body } = await service.post('programs/add', {
      name: 'x',
      command: 'x',
      user: 'root',
      port_range,
    });
    expect({ status, code: body.code }).toEqual({ status: 400, code: 'INVALID_PORT_RANGE' });
    expect(body.error).toMatch(error);
  });

  it("can not have the service's own port", async () => {
    const port = Number(new URL(service.address).port);
    const { body } = await service.post('programs/add', {
      name: 'x',
      command: 'x',
      user: 'root',
      port_range: { start: port, end: port },
    });
    expect(body).toMatchObject({
      code: 'INVALID_PORT_RANGE',
      error: expect.stringContaining('this service itself'),
    });
  });
});
