import { randomUUID } from 'node:crypto';
import { cleanUp, ended, linesOf, startChild, until } from '../../test/fixtures/diag-children';
import { endMarked } from './end-marked';
import { exactMark, findMarked, isAlive, markPrefix, signalIfSame } from './marked-processes';
import { readProcess } from './process-entry';

const NODE_IGNORES_TERM = 'process.on("SIGTERM", () => {}); console.log("ready"); setInterval(() => {}, 1e6)';

describe('marked processes', () => {
  let state: string;
  beforeEach(() => (state = randomUUID()));
  afterEach(cleanUp);

  const markOfGroup = (group: string): string => `${state}:1:${group}`;
  const startMarked = (group: string, command = '/bin/sleep', args = ['300']) =>
    startChild(command, args, { env: { PATH: process.env['PATH'], HOODY_DAEMON_MARK: markOfGroup(group) } });
  const pids = (found: { pid: number }[]): number[] => found.map(({ pid }) => pid).sort((a, b) => a - b);
  const appeared = (count: number): Promise<void> =>
    until(async () => (await findMarked(markPrefix(state))).length === count);

  it('are found by their whole mark, a prefix or a pattern', async () => {
    const [a, b] = [startMarked('hoody_a'), startMarked('hoody_ab')];
    startChild('/bin/sleep', ['300'], { env: {} });
    await appeared(2);
    expect(pids(await findMarked(exactMark(markOfGroup('hoody_a'))))).toEqual([a.pid]);
    expect(pids(await findMarked(/_ab$/g))).toEqual([b.pid]);
    expect(pids(await findMarked(markPrefix(`${state}:`)))).toEqual([a.pid, b.pid]);
    const [found] = await findMarked(markOfGroup('hoody_a'));
    expect(found).toEqual({
      pid: a.pid,
      pgid: a.pid,
      startTicks: readProcess(a.pid)!.startTicks,
      mark: markOfGroup('hoody_a'),
    });
  });

  it('are ended even if they have left their group and lost their parent', async () => {
    const child = startMarked('hoody_a', '/bin/sh', ['-c', 'setsid sleep 300 >/dev/null & echo $!']);
    await ended(child);
    await appeared(1);
    const [daemon] = await findMarked(markPrefix(state));
    const result = await endMarked(markPrefix(state), { signal: 'SIGTERM', graceMs: 5000 });
    expect(result).toEqual({ ended: [daemon!.pid], alive: [] });
    expect(isAlive(daemon!)).toBe(false);
  });

  it('get SIGKILL when they have not ended in their time of grace, and not before', async () => {
    const child = startMarked('hoody_a', process.execPath, ['-e', NODE_IGNORES_TERM]);
    await linesOf(child)();
    const began = performance.now();
    const result = await endMarked(exactMark(markOfGroup('hoody_a')), { signal: 'SIGTERM', graceMs: 150 });
    expect(result.ended).toEqual([child.pid]);
    expect(performance.now() - began).toBeGreaterThanOrEqual(140);
    await ended(child);
    expect(child.signalCode).toBe('SIGKILL');
  });

  it('are ended together with what they start while they end', async () => {
    const script = 'trap "sleep 300 >/dev/null & exit" TERM; echo ready; while :; do sleep 0.05; done';
    const child = startMarked('hoody_a', '/bin/sh', ['-c', script]);
    await linesOf(child)();
    await endMarked(markPrefix(state), { signal: 'SIGTERM', graceMs: 5000 });
    expect(await findMarked(markPrefix(state))).toEqual([]);
  });

  it('are left alone by a call for others', async () => {
    const [a, b] = [startMarked('hoody_a'), startMarked('hoody_b')];
    await appeared(2);
    await endMarked(exactMark(markOfGroup('hoody_a')), { signal: 'SIGTERM', graceMs: 5000 });
    await ended(a);
    expect(pids(await findMarked(markPrefix(state)))).toEqual([b.pid]);
  });

  it('can be asked for by many at once', async () => {
    const groups = Array.from({ length: 20 }, (_, i) => `hoody_${i}`);
    const children = groups.map((group) => startMarked(group));
    await appeared(20);
    const results = await Promise.all(
      groups.map((group) => endMarked(exactMark(markOfGroup(group)), { signal: 'SIGTERM', graceMs: 5000 })),
    );
    expect(results.map((result) => result.ended)).toEqual(children.map(({ pid }) => [pid]));
  });

  it('resolves at once when there are none', async () => {
    expect(await endMarked(markPrefix(state), { signal: 'SIGTERM', graceMs: 60_000 })).toEqual({
      ended: [],
      alive: [],
    });
  });

  describe('signalIfSame', () => {
    it('does not signal another process that has got the pid', () => {
      const child = startMarked('hoody_a');
      const { startTicks } = readProcess(child.pid)!;
      expect(signalIfSame({ pid: child.pid, startTicks: startTicks - 1 }, 'SIGKILL')).toBe(false);
      expect(isAlive({ pid: child.pid, startTicks })).toBe(true);
    });

    it('is content with a process that is gone', async () => {
      const child = startMarked('hoody_a');
      const target = { pid: child.pid, startTicks: readProcess(child.pid)!.startTicks };
      expect(signalIfSame(target, 'SIGKILL')).toBe(true);
      await ended(child);
      expect(signalIfSame(target, 'SIGKILL')).toBe(false);
    });

    it.each([1, 0, -1, process.pid])('never signals pid %i', (pid) => {
      const startTicks = readProcess(pid)?.startTicks ?? 0;
      expect(signalIfSame({ pid, startTicks }, 'SIGURG')).toBe(false);
    });
  });
});
