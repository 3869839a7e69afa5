import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EventSource } from 'eventsource';
import { CurlStream, type Received } from '../support/curl-stream';
import { Service } from '../support/service';

const API = '/api/v1/daemon';

const transition = ({ data }: Received): string => `${data.from}->${data.to}`;
const isGrowing = (ids: number[]): boolean => ids.every((id, i) => i === 0 || id > ids[i - 1]!);

describe('the stream of events', () => {
  let service: Service;
  const open: CurlStream[] = [];
  const listen = async (query = '', headers?: Record<string, string>): Promise<CurlStream> => {
    const stream = await CurlStream.open(`${service.address}${API}/events${query}`, headers);
    open.push(stream);
    return stream;
  };

  beforeAll(async () => void (service = await Service.start({ env: { DAEMON_PORT: '23110' } })));
  afterAll(async () => {
    await Promise.all(open.map((stream) => stream.close()));
    await service.dispose();
  });

  it('tells the life of a program in order, with pids and exit statuses', async () => {
    const stream = await listen();
    const id = await service.add({ command: 'exec sleep 1000', start_seconds: 1 });
    const { pid } = (await service.post(`programs/${id}/start`)).body;
    await service.post(`programs/${id}/stop`);
    await stream.until(() => stream.of('state').length === 4);
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    const common = { program: id, port: null, spawn_error: null, time };
    expect(stream.events.map(({ event, data }) => ({ event, ...data }))).toEqual([
      { event: 'config', program: id, action: 'added', time },
      { event: 'state', ...common, from: 'STOPPED', to: 'STARTING', pid: null, exit_status: null },
      { event: 'state', ...common, from: 'STARTING', to: 'RUNNING', pid, exit_status: null },
      { event: 'state', ...common, from: 'RUNNING', to: 'STOPPING', pid, exit_status: null },
      {
        event: 'state',
        ...common,
        from: 'STOPPING',
        to: 'STOPPED',
        pid: expect.anything(),
        exit_status: 143,
      },
    ]);
  });

  it('tells a crash with its cause, and the restart after it', async () => {
    const id = await service.add({ autorestart: 'true' });
    const { pid } = (await service.post(`programs/${id}/start`)).body;
    const stream = await listen(`?program=${id}`);
    process.kill(pid, 'SIGKILL');
    await stream.until(() => stream.events.length === 3);
    expect(stream.events.map(transition)).toEqual(['RUNNING->FATAL', 'FATAL->STARTING', 'STARTING->RUNNING']);
    expect(stream.events[0]!.data).toMatchObject({
      exit_status: 137,
      spawn_error: expect.stringMatching(/killed/),
    });
    expect(stream.events[2]!.data.pid).not.toBe(pid);
  });

  it('tells every change of the configuration with its action', async () => {
    const stream = await listen('?type=config');
    const id = await service.add();
    await service.post(`programs/edit/${id}`, { description: 'new' });
    await service.post(`programs/edit/${id}`, { enabled: false });
    await service.post(`programs/${id}/enable`);
    await service.post(`programs/${id}/disable`);
    await service.post(`programs/remove/${id}`);
    await service.post('programs/reset');
    await stream.until(() => stream.events.some(({ data }) => data.action === 'reset'));
    expect(stream.events.map(({ data }) => [data.program, data.action])).toEqual([
      [id, 'added'],
      [id, 'edited'],
      [id, 'disabled'],
      [id, 'enabled'],
      [id, 'disabled'],
      [id, 'removed'],
      [null, 'reset'],
    ]);
  });

  it('has ephemeral programs in it', async () => {
    const stream = await listen('?type=state');
    const { body } = await service.post('quick-start', {
      command: 'exit 3',
      user: 'root',
      wait_for_exit: true,
    });
    await stream.until(() => stream.events.some(({ data }) => data.to === 'FATAL'));
    const own = stream.events.filter(({ data }) => data.program === body.temporary_id);
    expect(own.map(transition).at(-1)).toMatch(/->FATAL$/);
    expect(own.at(-1)!.data.exit_status).toBe(3);
  });

  it('lets through what the filters say', async () => {
    const one = await service.add();
    const two = await service.add();
    const ofOne = await listen(`?program=${one}&type=state`);
    const ofBoth = await listen(`?program=${one},${two}`);
    for (const id of [two, one]) await service.post(`programs/${id}/start`);
    await service.post(`programs/${one}/disable`);
    await ofBoth.until(() => ofBoth.of('config').length === 1 && ofBoth.of('state').length === 6);
    await ofOne.until(() => ofOne.events.length === 4);
    expect(new Set(ofOne.events.map(({ event, data }) => `${event} ${data.program}`))).toEqual(
      new Set([`state ${one}`]),
    );
    expect((await service.get('events?type=else')).body.code).toBe('VALIDATION_ERROR');
  });

  it('resumes without a gap from any id, also after a kill of the service', async () => {
    const all = await listen();
    const id = await service.add();
    for (const action of ['start', 'restart', 'stop']) await service.post(`programs/${id}/${action}`);
    await all.until(() => all.of('state').at(-1)?.data.to === 'STOPPED' && all.events.length >= 9);
    const told = all.events.map((event) => event.id!);

    await service.end('SIGKILL');
    await all.ended;
    await service.start();
    await service.post(`programs/${id}/start`);

    for (const [i, from] of told.entries()) {
      const resumed = await listen('', { 'last-event-id': from });
      await resumed.until(
        () => resumed.events.at(-1)?.data.to === 'RUNNING' && Number(resumed.lastId) > Number(told.at(-1)),
      );
      expect(resumed.of('gap')).toEqual([]);
      expect(resumed.events.slice(0, told.length - i - 1).map((event) => event.id)).toEqual(
        told.slice(i + 1),
      );
      expect(isGrowing(resumed.events.map((event) => Number(event.id)))).toBe(true);
      await resumed.close();
    }
  });

  it('tells what happened while the service was away, as inferred', async () => {
    const ends = await service.add({ autorestart: 'false' });
    const returns = await service.add({ autorestart: 'true' });
    const pids: number[] = [];
    for (const id of [ends, returns])
      pids.push((await service.post(`programs/${id}/start`)).body.pid as number);
    const before = await listen();
    await service.end('SIGKILL');
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    await service.start();
    await service.until(`status/${returns}`, ({ status, pid }) => status === 'RUNNING' && pid !== pids[1]);
    const after = await listen('', { 'last-event-id': before.lastId! });
    await after.until(() => after.events.length >= 3);
    const of = (id: string) => after.events.filter(({ data }) => data.program === id);
    expect(of(ends).map(transition)).toEqual(['RUNNING->FATAL']);
    expect(of(returns)[0]!.data.from).toBe('RUNNING');
    expect(of(returns).at(-1)!.data.to).toBe('RUNNING');
    expect(of(ends)[0]!.data.inferred).toBe(true);
    expect(of(returns)[0]!.data.inferred).toBe(true);
  });

  it.each(['1', 'garbled', '99999999999999999999'])(
    'tells of a gap and then the current states after the id %s',
    async (lastId) => {
      const id = await service.add();
      const { pid } = (await service.post(`programs/${id}/start`)).body;
      const stream = await listen(`?program=${id}`, { 'last-event-id': lastId });
      await stream.until(() => stream.of('current').length === 1);
      await service.post(`programs/${id}/stop`);
      await stream.until(() => stream.of('state').length === 2);
      expect(stream.events.map(({ event }) => event)).toEqual(['gap', 'current', 'state', 'state']);
      expect(stream.events[1]!.data).toMatchObject({ program: id, state: 'RUNNING', pid });
    },
  );

  it('comes up with what is whole of a journal that was torn, and goes on', async () => {
    const id = await service.add();
    const stream = await listen('?type=config');
    await service.post(`programs/${id}/disable`);
    await stream.until(() => stream.events.length === 1);
    await service.end('SIGKILL');
    const journal = journalOf(service);
    appendFileSync(journal, '{"id":99');
    await service.start();
    const resumed = await listen('', { 'last-event-id': stream.lastId! });
    await service.post(`programs/${id}/enable`);
    await resumed.until(() => resumed.events.length === 1);
    expect(resumed.events[0]).toMatchObject({ event: 'config', data: { program: id, action: 'enabled' } });
    expect(readFileSync(journal, 'utf8')).not.toContain('{"id":99{');
  });

  it('is resumed by an EventSource client by itself', async () => {
    const seen: string[] = [];
    let wake = (): void => undefined;
    const client = new EventSource(`${service.address}${API}/events?type=config`);
    client.addEventListener('config', ({ data }) => {
      seen.push(JSON.parse(data).action);
      wake();
    });
    const untilCount = async (count: number): Promise<void> => {
      while (seen.length < count) await new Promise<void>((resolve) => (wake = resolve));
    };
    await new Promise((resolve) => client.addEventListener('open', resolve, { once: true }));
    try {
      const id = await service.add();
      await untilCount(1);
      await service.end('SIGKILL');
      await service.start();
      await service.post(`programs/${id}/disable`);
      await untilCount(2);
      expect(seen).toEqual(['added', 'disabled']);
    } finally {
      client.close();
    }
  });

  it('loses none of 4,000 events when 1,000 instances start and stop', async () => {
    const id = await service.add({
      command: 'exec sleep 1000',
      port_range: { start: 24000, end: 24999 },
      logs_enabled: false,
    });
    const stream = await listen(`?program=${id}&type=state`);
    await service.post(`programs/${id}/start`, { all: true, timeout: 120 });
    await service.post(`programs/${id}/stop`, { all: true, timeout: 120 });
    await stream.until(() => stream.events.length >= 4000);
    expect(stream.events).toHaveLength(4000);
    expect(isGrowing(stream.events.map((event) => Number(event.id)))).toBe(true);
    const byPort = grouped(stream.events);
    expect(byPort.size).toBe(1000);
    for (const events of byPort.values())
      expect(events.map(transition)).toEqual([
        'STOPPED->STARTING',
        'STARTING->RUNNING',
        'RUNNING->STOPPING',
        'STOPPING->STOPPED',
      ]);
  }, 90_000);
});

function journalOf(service: Service): string {
  return join(service.stateDir, 'events.ndjson');
}

function grouped(events: Received[]): Map<number, Received[]> {
  const groups = new Map<number, Received[]>();
  for (const event of events) groups.set(event.data.port, [...(groups.get(event.data.port) ?? []), event]);
  return groups;
}
