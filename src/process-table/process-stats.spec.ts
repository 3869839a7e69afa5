import { cleanUp, ended, linesOf, startChild, until } from '../../test/fixtures/diag-children';
import { ProcessStats } from './process-stats';

const BUSY = 'console.log("ready"); for (;;);';

describe('ProcessStats', () => {
  let stats: ProcessStats;
  beforeEach(() => (stats = new ProcessStats()));
  afterEach(async () => {
    stats.onModuleDestroy();
    await cleanUp();
  });

  it('shows a busy program as busy on the very first call', async () => {
    const [busy, idle] = [startChild(process.execPath, ['-e', BUSY]), startChild('/bin/sleep', ['300'])];
    await linesOf(busy)();
    const answer = await stats.statsOf([busy.pid, idle.pid]);
    expect(answer.get(busy.pid)!.cpu_percent).toBeGreaterThan(15);
    expect(answer.get(idle.pid)!.cpu_percent).toBeLessThan(10);
  });

  it('adds up the whole tree, orphans of the group included', async () => {
    // Both inner shells end; their children hang under pid 1, one in the group and one outside.
    const script = 'sh -c "sleep 300 & echo $!"; sh -c "sleep 301 & echo $!"; sleep 302 & echo $!; wait';
    const child = startChild('/bin/sh', ['-c', script]);
    const next = linesOf(child);
    await next();
    await next();
    await next();
    const answer = (await stats.statsOf([child.pid])).get(child.pid)!;
    expect(answer.process_count).toBe(4);
    expect(answer.memory_rss_bytes).toBeGreaterThan(4 * 4096);
  });

  it('tells when the program began, the same each time', async () => {
    const before = Date.now();
    const child = startChild('/bin/sleep', ['300']);
    const first = (await stats.statsOf([child.pid])).get(child.pid)!.started_at;
    expect(first).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(Math.abs(Date.parse(first) - before)).toBeLessThan(1000);
    const again = startChild('/bin/sleep', ['300']);
    expect((await stats.statsOf([child.pid, again.pid])).get(child.pid)!.started_at).toBe(first);
  });

  it('leaves out what does not run', async () => {
    const child = startChild('/bin/true', []);
    await ended(child);
    expect(await stats.statsOf([child.pid])).toEqual(new Map());
    expect(await stats.statsOf([])).toEqual(new Map());
  });

  it('knows a program that was started a moment ago, although answers are cached', async () => {
    const first = startChild('/bin/sleep', ['300']);
    await stats.statsOf([first.pid]);
    const second = startChild('/bin/sleep', ['300']);
    expect((await stats.statsOf([second.pid])).has(second.pid)).toBe(true);
  });

  it('answers a thousand callers at once with one look', async () => {
    const child = startChild('/bin/sleep', ['300']);
    const answers = await Promise.all(Array.from({ length: 1000 }, () => stats.statsOf([child.pid])));
    expect(new Set(answers.map((answer) => JSON.stringify([...answer])))).toHaveProperty('size', 1);
  });

  it('keeps sampling while somebody asks now and then, so that the next answer does not wait', async () => {
    const child = startChild('/bin/sleep', ['300']);
    const busy = startChild(process.execPath, ['-e', BUSY]);
    await linesOf(busy)();
    await stats.statsOf([child.pid, busy.pid]);
    const taken = (): number[] =>
      (stats as unknown as { samples: { atMs: number }[] }).samples.map((s) => s.atMs);
    const last = taken().at(-1)!;
    await until(() => taken().at(-1)! > last);
    const answer = await stats.statsOf([busy.pid]);
    expect(answer.get(busy.pid)!.cpu_percent).toBeGreaterThan(15);
  });
});
