import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive, Service, type Answer } from '../support/service';

/** A sequence that looks random and is the same each time (mulberry32). */
function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

describe('at once', () => {
  let service: Service;
  beforeAll(async () => void (service = await Service.start()));
  afterAll(() => service.dispose());

  const times = <T>(count: number, run: (i: number) => Promise<T>) =>
    Promise.all(Array.from({ length: count }, (_, i) => run(i)));
  const tally = (answers: Answer[]) => {
    const counts: Record<string, number> = {};
    for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
    return counts;
  };
  const statusOf = async (id: string) => (await service.get(`status/${id}`)).body;

  /** The processes of a program, found by the mark in their environment. */
  function processesOf(id: string): number[] {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) => {
        try {
          const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
          return environment.includes(`TEST_MARK=${id}`) && isAlive(pid);
        } catch {
          return false;
        }
      });
  }

  it('20 adds of one name: one 201, nineteen 409', async () => {
    const answers = await times(20, (i) =>
      service.post('programs/add', {
        name: i % 2 ? 'Same Name' : 'same name',
        command: 'sleep 1000',
        user: 'root',
      }),
    );
    expect(tally(answers)).toEqual({ 201: 1, 409: 19 });
    for (const { status, body } of answers)
      if (status === 409) expect(body.code).toBe('PROGRAM_ALREADY_EXISTS');
    const { body } = await service.get('programs?hoody_kit=false');
    expect(body).toHaveLength(1);
  });

  it('10 programs with ranges that overlap: one wins', async () => {
    const answers = await times(10, (i) =>
      service.post('programs/add', {
        name: `overlap ${i}`,
        command: 'sleep 1000',
        user: 'root',
        port_range: { start: 22800 + i, end: 22815 + i },
      }),
    );
    expect(tally(answers)).toEqual({ 201: 1, 400: 9 });
  });

  it('edits that want one name or one range: one wins', async () => {
    const ids = await times(5, () => service.add());
    const named = await times(5, (i) => service.post(`programs/edit/${ids[i]}`, { name: 'The One' }));
    expect(tally(named)).toEqual({ 200: 1, 409: 4 });
    const port_range = { start: 22850, end: 22850 };
    const ranged = await times(5, (i) => service.post(`programs/edit/${ids[i]}`, { port_range }));
    expect(tally(ranged)).toEqual({ 200: 1, 400: 4 });
  });

  it('starts of one program: one process', async () => {
    const id = await service.add({ start_seconds: 1, environment: { TEST_MARK: 'starts' } });
    const answers = await times(10, () => service.post(`programs/${id}/start`));
    expect(tally(answers)).toEqual({ 200: 10 });
    expect(new Set(answers.map(({ body }) => body.pid)).size).toBe(1);
    expect(processesOf('starts')).toEqual([answers[0]!.body.pid]);
  });

  it('a stop during a long start answers soon, and the start is told', async () => {
    const id = await service.add({ start_seconds: 30 });
    const starting = service.post(`programs/${id}/start`);
    await service.until(`status/${id}`, ({ status, pid }) => status === 'STARTING' && pid !== null);
    const before = Date.now();
    expect((await service.post(`programs/${id}/stop`)).body).toEqual({
      success: true,
      message: 'Program stopped',
    });
    expect(Date.now() - before).toBeLessThan(3000);
    expect((await starting).body).toMatchObject({
      code: 'START_FAILED',
      diagnosis: { cause: 'stopped' },
      error: expect.stringContaining('stopped while it was starting'),
    });
    expect(await statusOf(id)).toMatchObject({ status: 'STOPPED' });
  });

  it('a start during a stop waits for the end and starts it again', async () => {
    const id = await service.add({
      command: "trap 'sleep 0.5; exit 0' TERM; echo ready; while :; do sleep 0.05; done",
    });
    const first = (await service.post(`programs/${id}/start`)).body.pid;
    await service.until(`programs/${id}/logs`, ({ stdout }) => stdout === 'ready\n');
    const stopping = service.post(`programs/${id}/stop`);
    await service.until(`status/${id}`, ({ status }) => status === 'STOPPING');
    const started = await service.post(`programs/${id}/start`);
    expect((await stopping).status).toBe(200);
    expect(started.body).toMatchObject({ message: 'Program started', status: 'RUNNING' });
    expect(started.body.pid).not.toBe(first);
    expect(await statusOf(id)).toMatchObject({ status: 'RUNNING', pid: started.body.pid });
  });

  it.each([1, 2, 3])('anything with one program ends in one truth (seed %i)', async (seed) => {
    const random = seeded(seed);
    const mark = `storm-${seed}`;
    const fields = {
      name: mark,
      command: 'sleep 1000 & exec sleep 1000',
      user: 'root',
      start_seconds: 0,
      environment: { TEST_MARK: mark },
    };
    const actions = [
      () => service.post(`programs/${mark}/start`),
      () => service.post(`programs/${mark}/start`, { wait: false }),
      () => service.post(`programs/${mark}/stop`),
      () => service.post(`programs/${mark}/stop`, { wait: false }),
      () => service.post(`programs/${mark}/restart`),
      () => service.post(`programs/edit/${mark}`, { priority: 1 + random(900) }),
      () => service.post(`programs/edit/${mark}`, { command: 'exec sleep 2000', restart: true }),
      () => service.post(`programs/${mark}/disable`),
      () => service.post(`programs/${mark}/enable`),
      () => service.post(`programs/remove/${mark}`),
      () => service.post('programs/add', fields),
      () => service.post('programs/add', fields),
    ];
    const answers = await times(80, async () => {
      const action = actions[random(actions.length)]!;
      await new Promise((resolve) => setTimeout(resolve, random(1500)));
      return await action();
    });
    for (const { status, body } of answers) {
      if (status >= 500) throw new Error(JSON.stringify(body));
      expect([200, 201, 404, 409, 422]).toContain(status);
      if (status === 422) expect(body.diagnosis?.cause ?? body.failed).toBe('stopped');
    }
    await service.post('programs/add', fields);
    const settled = await service.until(
      `status/${mark}`,
      ({ status }) => !/ING/.test(status) || status === 'RUNNING',
    );
    const alive = processesOf(mark);
    if (settled.status === 'RUNNING') expect(alive).toContain(settled.pid);
    else expect(alive).toEqual([]);
    await service.post(`programs/${mark}/enable`);
    expect((await service.post(`programs/${mark}/restart`)).body.status).toBe('RUNNING');
    expect((await service.post(`programs/remove/${mark}`)).body).toMatchObject({ was_running: true });
    expect(processesOf(mark)).toEqual([]);
    expect(readFileSync(join(service.stateDir, 'programs.json'), 'utf8')).not.toContain(mark);
  });

  it('enables and disables end as the last one says', async () => {
    const id = await service.add();
    const answers = await times(30, (i) => service.post(`programs/${id}/${i % 2 ? 'enable' : 'disable'}`));
    expect(tally(answers)).toEqual({ 200: 30 });
    const { enabled } = (await service.get(`programs/${id}`)).body;
    const { status, body } = await service.post(`programs/${id}/start`);
    expect({ status, code: body.code }).toEqual(
      enabled ? { status: 200 } : { status: 409, code: 'PROGRAM_DISABLED' },
    );
  });

  it('a reset in the middle of starts leaves the defaults and no process', async () => {
    const ids = await times(10, (i) =>
      service.add({ environment: { TEST_MARK: 'reset' }, start_seconds: i % 2 }),
    );
    const starting = times(10, (i) => service.post(`programs/${ids[i]}/start`));
    await service.until('status', (states) =>
      states.some(({ id, pid }: { id: string; pid: number | null }) => ids.includes(id) && pid !== null),
    );
    expect((await service.post('programs/reset')).status).toBe(200);
    for (const { status } of await starting) expect([200, 404, 422]).toContain(status);
    const { body } = await service.get('programs');
    expect(body).toHaveLength(5);
    expect(processesOf('reset')).toEqual([]);
  });
});
