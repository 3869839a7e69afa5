import { setTimeout as delay } from 'node:timers/promises';
import { isAlive, Service } from '../support/service';

/** Far above what a good stop takes, far below stop_seconds. */
const PROMPT_MS = 3000;
const SLOW_STOP = `trap 'sleep 0.4; exit 0' TERM; echo up; while :; do sleep 0.05; done`;
const CRASHER = 'exit 7';

describe("supervisord's traps", () => {
  let service: Service;
  beforeAll(async () => void (service = await Service.start()));
  afterAll(() => service.dispose());

  async function slowToStop(): Promise<{ id: string; pid: number }> {
    const id = await service.add({ command: SLOW_STOP });
    const { pid } = (await service.post(`programs/${id}/start`)).body;
    await service.until(`programs/${id}/logs`, (body) => body.stdout === 'up\n');
    return { id, pid };
  }

  it.each([
    ['a plain command', 'sleep 1000'],
    ['shell syntax', 'cd / && sleep 1000 | cat'],
  ])(
    'a stop 0 to 50 ms after the start never takes stop_seconds, with %s',
    async (_, command) => {
      const id = await service.add({ command, stop_seconds: 60 });
      for (let pauseMs = 0; pauseMs <= 50; pauseMs += 2) {
        const { pid } = (await service.post(`programs/${id}/start`)).body;
        await delay(pauseMs);
        const began = Date.now();
        expect((await service.post(`programs/${id}/stop`)).status).toBe(200);
        expect(Date.now() - began).toBeLessThan(PROMPT_MS);
        expect(isAlive(pid)).toBe(false);
      }
    },
    60_000,
  );

  it('a stop that comes while the start is under way ends it promptly', async () => {
    const id = await service.add({ stop_seconds: 60, start_seconds: 5 });
    for (let pauseMs = 0; pauseMs <= 50; pauseMs += 5) {
      const starting = service.post(`programs/${id}/start`);
      await service.until(`status/${id}`, (body) => body.status === 'STARTING');
      const began = Date.now();
      await delay(pauseMs);
      expect((await service.post(`programs/${id}/stop`)).status).toBe(200);
      expect((await starting).body.code).toBe('START_FAILED');
      expect(Date.now() - began).toBeLessThan(PROMPT_MS);
      expect((await service.get(`status/${id}`)).body).toMatchObject({ status: 'STOPPED', pid: null });
    }
  });

  it('a start during STOPPING really starts it afterwards', async () => {
    const { id, pid } = await slowToStop();
    await service.post(`programs/${id}/stop`, { wait: false });
    const started = await service.post(`programs/${id}/start`);
    expect(started.body).toMatchObject({ status: 'RUNNING', message: 'Program started' });
    expect(isAlive(pid)).toBe(false);
    expect(isAlive(started.body.pid)).toBe(true);
  });

  it('a stop during STOPPING waits for the real end', async () => {
    const { id, pid } = await slowToStop();
    const first = service.post(`programs/${id}/stop`, { wait: false });
    await service.until(`status/${id}`, (body) => body.status === 'STOPPING');
    expect(isAlive(pid)).toBe(true);
    expect((await service.post(`programs/${id}/stop`)).status).toBe(200);
    expect(isAlive(pid)).toBe(false);
    await first;
    expect((await service.get(`status/${id}`)).body.status).toBe('STOPPED');
  });

  it('a program is removed while it is STOPPING', async () => {
    const { id, pid } = await slowToStop();
    await service.post(`programs/${id}/stop`, { wait: false });
    expect((await service.post(`programs/remove/${id}`)).status).toBe(200);
    expect(isAlive(pid)).toBe(false);
    expect((await service.get(`status/${id}`)).status).toBe(404);
  });

  it.each(['stop', 'disable', 'remove', 'edit'] as const)('a program in BACKOFF takes %s', async (action) => {
    const id = await service.add({ command: CRASHER, start_seconds: 5, start_retries: 100 });
    expect((await service.post(`programs/${id}/start`, { wait: false })).body.status).toBe('STARTING');
    // The first attempt has ended and the next one is a second away.
    await service.until(`status/${id}`, (body) => body.status === 'STARTING' && body.pid === null);
    const { status } =
      action === 'stop' || action === 'disable'
        ? await service.post(`programs/${id}/${action}`)
        : await service.post(
            `programs/${action}/${id}`,
            action === 'edit' ? { command: 'sleep 1000', restart: true } : {},
          );
    expect(status).toBe(200);
    if (action === 'remove') expect((await service.get(`status/${id}`)).status).toBe(404);
    else if (action === 'edit')
      await service.until(`status/${id}`, (body) => body.status === 'RUNNING', 10_000);
    else expect((await service.get(`status/${id}`)).body.status).toBe('STOPPED');
  });

  it('an edit of what runs is refused, and with restart it takes effect at once', async () => {
    const id = await service.add({ command: 'echo old; exec sleep 1000' });
    const { pid } = (await service.post(`programs/${id}/start`)).body;
    const command = 'echo new; exec sleep 1000';
    expect((await service.post(`programs/edit/${id}`, { command })).body.code).toBe('PROGRAM_RUNNING');
    expect(isAlive(pid)).toBe(true);
    expect((await service.post(`programs/edit/${id}`, { command, restart: true })).status).toBe(200);
    expect(isAlive(pid)).toBe(false);
    await service.until(`programs/${id}/logs`, (body) => body.stdout === 'old\nnew\n');
  });

  it('an edit of what was stopped is used by the next start', async () => {
    const id = await service.add({ command: CRASHER, start_seconds: 1, start_retries: 0 });
    await service.post(`programs/${id}/start`, { wait: false });
    await service.until(`status/${id}`, (body) => body.status === 'FATAL');
    expect((await service.post(`programs/edit/${id}`, { command: 'sleep 1000' })).status).toBe(200);
    expect((await service.get(`status/${id}`)).body.status).toBe('STOPPED');
    expect((await service.post(`programs/${id}/start`)).body.status).toBe('RUNNING');
  });

  it('two starts while it is STARTING make one process and both answer RUNNING', async () => {
    const id = await service.add({ command: 'echo up; exec sleep 1000', start_seconds: 1 });
    const [first, second] = await Promise.all([
      service.post(`programs/${id}/start`),
      service.post(`programs/${id}/start`),
    ]);
    expect(first.body.status).toBe('RUNNING');
    expect(second.body).toMatchObject({ status: 'RUNNING', pid: first.body.pid });
    expect((await service.get(`programs/${id}/logs`)).body.stdout).toBe('up\n');
  });

  it('a storm of starts, stops and restarts ends in what came last, with one process at most', async () => {
    const marker = `1000.${process.pid}`;
    const id = await service.add({ command: `sleep ${marker}`, stop_seconds: 60 });
    const actions = ['start', 'stop', 'restart', 'restart', 'start', 'stop', 'restart'];
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, i) => service.post(`programs/${id}/${actions[i % actions.length]}`)),
    );
    for (const { status } of answers) expect([200, 422]).toContain(status);
    const { pid } = (await service.post(`programs/${id}/restart`)).body;
    expect((await service.get(`status/${id}`)).body).toMatchObject({ status: 'RUNNING', pid });
    expect((await service.post(`programs/${id}/stop`)).status).toBe(200);
    expect(isAlive(pid)).toBe(false);
    expect((await service.get(`status/${id}`)).body).toMatchObject({ status: 'STOPPED', pid: null });
  });
});
