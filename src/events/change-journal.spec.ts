import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Logger } from '@nestjs/common';
import { StatePaths } from '../config-store/state-paths';
import { change } from '../../test/support/a-change';
import { ChangeFeed } from './change-feed';
import { ChangeJournal, JOURNAL_LIMIT } from './change-journal';
import type { JournalEntry } from './journal-entry';

describe('The journal of changes', () => {
  let root: string;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'journal-'));
    jest.spyOn(Logger.prototype, 'warn').mockImplementation();
    jest.spyOn(Logger.prototype, 'log').mockImplementation();
  });

  afterEach(() => {
    jest.restoreAllMocks();
    rmSync(root, { recursive: true, force: true });
  });

  it('gives ids that grow by publication, and tells of the changes in that order', async () => {
    const { feed, told } = await started();
    for (let pid = 1; pid <= 100; pid++) feed.publish(change({ pid }));
    const entries = await told(100);
    expect(pidsOf(entries)).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
    expect(entries.every(({ id }, i) => i === 0 || id > entries[i - 1]!.id)).toBe(true);
  });

  it('keeps the changes that are published before it has read what an earlier run left', async () => {
    const feed = new ChangeFeed();
    const journal = new ChangeJournal(feed, new StatePaths(root));
    feed.publish(change({ pid: 7 }));
    await journal.onModuleInit();
    expect(pidsOf(journal.statesOf('web'))).toEqual([7]);
    await journal.onApplicationShutdown();
  });

  it('resumes after a restart exactly where the client was', async () => {
    const first = await started();
    for (let pid = 1; pid <= 5; pid++) first.feed.publish(change({ pid }));
    const seen = (await first.told(2))[1]!;
    await first.journal.onApplicationShutdown();

    const second = await started();
    second.feed.publish(change({ pid: 6 }));
    await second.told(1);
    const { changes, gap } = second.journal.since(String(seen.id));
    expect(gap).toBe(false);
    expect(pidsOf(changes)).toEqual([3, 4, 5, 6]);
  });

  it('loses nothing between the replay and the live changes', async () => {
    const { feed, journal, told } = await started();
    feed.publish(change({ pid: 1 }));
    const [first] = await told(1);
    feed.publish(change({ pid: 2 }));
    const live: JournalEntry[] = [];
    journal.listen((entry) => live.push(entry));
    const { changes } = journal.since(String(first!.id));
    feed.publish(change({ pid: 3 }));
    await told(3);
    expect(pidsOf([...changes, ...live])).toEqual([2, 3]);
    expect(journal.since(String(first!.id), 1).changes).toEqual(live.slice(0, 1));
  });

  it.each([
    ['older than the oldest', () => '17'],
    ['larger than the newest', (newest: string) => String(Number(newest) + 1)],
    ['zero', () => '0'],
    ['not a number', () => 'abc'],
    ['signed', (newest: string) => `+${newest}`],
    ['beyond all numbers', () => '9'.repeat(400)],
  ])('answers a gap for an id that is %s', async (_, idOf) => {
    const { feed, journal, told } = await started();
    feed.publish(change({}));
    await told(1);
    expect(journal.since(idOf(journal.newest))).toEqual({ changes: [], gap: true });
  });

  it('can be resumed from its beginning before anything has happened', async () => {
    const { feed, journal, told } = await started();
    const { newest } = journal;
    feed.publish(change({ pid: 1 }));
    await told(1);
    expect(pidsOf(journal.since(newest).changes)).toEqual([1]);
  });

  it('forgets the oldest beyond its limit, and can be resumed from the last one forgotten', async () => {
    const { feed, journal, told } = await started(3);
    for (let pid = 1; pid <= 5; pid++) feed.publish(change({ pid }));
    const entries = await told(5);
    expect(journal.since(String(entries[0]!.id)).gap).toBe(true);
    expect(pidsOf(journal.since(String(entries[1]!.id)).changes)).toEqual([3, 4, 5]);
    expect(pidsOf(journal.statesOf('web'))).toEqual([5, 4, 3]);
  });

  it('starts the states of a program over when it is added again', async () => {
    const { feed, journal } = await started();
    feed.publish(change({ pid: 1 }));
    feed.publishConfig('removed', 'web');
    feed.publishConfig('added', 'web');
    feed.publish(change({ pid: 2 }));
    expect(pidsOf(journal.statesOf('web'))).toEqual([2]);
  });

  it('keeps its file readable for its owner alone and at no more than twice its limit', async () => {
    const { feed, told } = await started(10);
    for (let pid = 1; pid <= 95; pid++) {
      feed.publish(change({ pid }));
      await told(pid);
      expect(lines().length).toBeLessThanOrEqual(20);
    }
    expect(statSync(path()).mode & 0o777).toBe(0o600);
    expect(JSON.parse(lines().at(-1)!)).toMatchObject({ type: 'state', program: 'web', pid: 95 });
  });

  it('ignores a torn last line and what is not its own, and writes on in good order', async () => {
    const first = await started();
    first.feed.publish(change({ pid: 1 }));
    await first.told(1);
    appendFileSync(path(), 'null\n{"id":"x"}\n{"id":99999999999999,"type":"state","prog');

    const second = await started();
    second.feed.publish(change({ pid: 2 }));
    await second.told(1);
    expect(lines().map((line) => JSON.parse(line).pid)).toEqual([1, 2]);
  });

  it('goes on in memory, says so once, and never repeats an id when the disk takes nothing', async () => {
    const warn = jest.spyOn(Logger.prototype, 'warn');
    mkdirSync(path()); // A folder in its place: not even root can write to it.
    const first = await started();
    for (let pid = 1; pid <= 3; pid++) {
      first.feed.publish(change({ pid }));
      await first.told(pid);
    }
    expect(warn).toHaveBeenCalledTimes(1);
    expect(first.journal.since(first.journal.oldest!).changes).toHaveLength(2);

    // No service comes up again in less.
    jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 100);
    const second = await started();
    expect(Number(second.journal.newest)).toBeGreaterThan(Number(first.journal.newest));
  });

  it('writes all that it has in memory when the disk takes it again', async () => {
    mkdirSync(path());
    const { feed, journal, told } = await started();
    for (let pid = 1; pid <= 3; pid++) feed.publish(change({ pid }));
    await told(3);
    rmSync(path(), { recursive: true });
    await journal.onApplicationShutdown();
    expect(lines().map((line) => JSON.parse(line).pid)).toEqual([1, 2, 3]);
  });

  it('leaves the file of another service alone until it has something to say', async () => {
    const first = await started();
    first.feed.publish(change({}));
    await first.told(1);
    appendFileSync(path(), 'torn');
    const before = readFileSync(path(), 'utf8');
    const second = await started();
    expect(second.journal.oldest).not.toBeNull();
    expect(readFileSync(path(), 'utf8')).toBe(before);
  });

  it('grows its ids when the clock was set back', async () => {
    const first = await started();
    first.feed.publish(change({}));
    await first.told(1);
    jest.spyOn(Date, 'now').mockReturnValue(1_000);
    const second = await started();
    second.feed.publish(change({}));
    await second.told(1);
    expect(Number(second.journal.newest)).toBeGreaterThan(Number(first.journal.newest));
  });

  it('takes 4,000 changes at once without holding up who publishes them', async () => {
    const { feed, told } = await started();
    const before = process.hrtime.bigint();
    for (let pid = 1; pid <= 4_000; pid++) feed.publish(change({ pid }));
    const publishedMs = Number(process.hrtime.bigint() - before) / 1e6;
    await told(4_000);
    expect(lines()).toHaveLength(4_000);
    expect(publishedMs).toBeLessThan(400);
  });

  it('has on disk every change that was told when the service is killed', async () => {
    const child = spawn(process.execPath, ['-e', KILLED_CHILD(), root], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let lastTold = '';
    for await (const line of createInterface({ input: child.stdout })) {
      lastTold = line;
      if (Number(line.split(' ')[1]) >= 3_000) child.kill('SIGKILL');
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    expect(child.signalCode).toBe('SIGKILL');

    const { journal } = await started();
    const [id, pid] = lastTold.split(' ');
    const { gap, changes } = journal.since(id!);
    expect(gap).toBe(false);
    expect(
      changes.every(({ change }, i) => change.type === 'state' && change.pid === Number(pid) + 1 + i),
    ).toBe(true);
  });

  const path = (): string => join(root, 'events.ndjson');
  const lines = (): string[] =>
    existsSync(path()) ? readFileSync(path(), 'utf8').split('\n').slice(0, -1) : [];

  async function started(limit?: number) {
    const feed = new ChangeFeed();
    const journal = new ChangeJournal(feed, new StatePaths(root), limit ?? JOURNAL_LIMIT);
    await journal.onModuleInit();
    const entries: JournalEntry[] = [];
    let wake = (): void => undefined;
    journal.listen((entry) => {
      entries.push(entry);
      wake();
    });
    const told = async (count: number): Promise<JournalEntry[]> => {
      while (entries.length < count) await new Promise<void>((resolve) => (wake = resolve));
      return entries;
    };
    return { feed, journal, told };
  }
});

function pidsOf(entries: Iterable<JournalEntry>): (number | null)[] {
  return Array.from(entries, ({ change }) => (change.type === 'state' ? change.pid : null));
}

/** Publishes without end and writes "id pid" for each change that it is told of. */
const KILLED_CHILD = (): string => `
  const ts = require('typescript');
  require.extensions['.ts'] = (module, file) => module._compile(ts.transpileModule(
    require('fs').readFileSync(file, 'utf8'),
    { compilerOptions: { module: 'commonjs', target: 'es2023', experimentalDecorators: true, esModuleInterop: true, useDefineForClassFields: false } },
  ).outputText, file);
  const { ChangeFeed } = require(${JSON.stringify(join(__dirname, 'change-feed.ts'))});
  const { ChangeJournal } = require(${JSON.stringify(join(__dirname, 'change-journal.ts'))});
  const { StatePaths } = require(${JSON.stringify(join(__dirname, '../config-store/state-paths.ts'))});
  const feed = new ChangeFeed();
  const journal = new ChangeJournal(feed, new StatePaths(process.argv[1]));
  let pid = 0;
  const publish = () => {
    for (let i = 0; i < 25; i++) feed.publish({ type: 'state', program: 'web', port: null, from: 'STARTING',
      to: 'RUNNING', pid: ++pid, exit_status: null, spawn_error: null, time: new Date().toISOString() });
    setImmediate(publish);
  };
  journal.onModuleInit().then(() => {
    journal.listen(({ id, change }) => require('fs').writeSync(1, id + ' ' + change.pid + '\\n'));
    publish();
  });
`;
