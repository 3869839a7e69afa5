import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StatePaths } from '../config-store/state-paths';
import type { PublicState } from '../domain/states';
import { ChangeFeed } from '../events/change-feed';
import { ChangeJournal } from '../events/change-journal';
import { HistoryService } from './history.service';

const ALL = { limit: 100 };

describe('The history of a program', () => {
  let root: string;
  let feed: ChangeFeed;
  let journal: ChangeJournal;
  let history: HistoryService;

  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), 'history-'));
    feed = new ChangeFeed();
    journal = new ChangeJournal(feed, new StatePaths(root));
    history = new HistoryService(journal);
    await journal.onModuleInit();
  });

  afterEach(async () => {
    await journal.onApplicationShutdown();
    rmSync(root, { recursive: true, force: true });
  });

  it('lists the transitions of this program alone, newest first, at most as many as asked', () => {
    goes('web', 'STOPPED', 'STARTING');
    goes('api', 'STOPPED', 'STARTING');
    goes('web', 'STARTING', 'RUNNING');
    const { transitions } = history.history('web', ALL);
    expect(transitions).toEqual([
      {
        id: expect.stringMatching(/^\d+$/),
        time: expect.any(String),
        port: null,
        from: 'STARTING',
        to: 'RUNNING',
        pid: null,
        exit_status: null,
        spawn_error: null,
      },
      expect.objectContaining({ from: 'STOPPED', to: 'STARTING' }),
    ]);
    expect(history.history('web', { limit: 1 }).transitions).toEqual(transitions.slice(0, 1));
  });

  it('is empty for a program of which nothing is known', () => {
    expect(history.history('web', ALL)).toEqual({
      transitions: [],
      crashes_last_hour: 0,
      last_crash: null,
      restarts_last_hour: 0,
    });
  });

  it('counts a crash and the automatic restart after it', () => {
    runs('web');
    goes('web', 'RUNNING', 'FATAL', { exit_status: 3, spawn_error: 'exited with code 3' });
    runs('web', 'FATAL');
    expect(history.history('web', ALL)).toMatchObject({
      crashes_last_hour: 1,
      restarts_last_hour: 1,
      last_crash: { to: 'FATAL', exit_status: 3, spawn_error: 'exited with code 3' },
    });
  });

  it('counts a restart after an expected exit, which is no crash', () => {
    runs('web');
    goes('web', 'RUNNING', 'STOPPED', { exit_status: 0 });
    runs('web');
    expect(history.history('web', ALL)).toMatchObject({ crashes_last_hour: 0, restarts_last_hour: 1 });
  });

  it('counts an end that nobody saw between RUNNING and STARTING as a crash and a restart', () => {
    runs('web');
    goes('web', 'RUNNING', 'STARTING');
    expect(history.history('web', ALL)).toMatchObject({ crashes_last_hour: 1, restarts_last_hour: 1 });
  });

  it('counts a failed start as one crash', () => {
    goes('web', 'STOPPED', 'STARTING');
    goes('web', 'STARTING', 'FATAL', { spawn_error: 'command not found' });
    expect(history.history('web', ALL)).toMatchObject({ crashes_last_hour: 1, restarts_last_hour: 0 });
  });

  it('counts neither for a stop and a start by somebody', () => {
    runs('web');
    goes('web', 'RUNNING', 'STOPPING');
    goes('web', 'STOPPING', 'STOPPED');
    runs('web');
    expect(history.history('web', ALL)).toMatchObject({
      crashes_last_hour: 0,
      restarts_last_hour: 0,
      last_crash: null,
    });
  });

  it('counts neither when supervisord was away for a while', () => {
    runs('web');
    goes('web', 'RUNNING', 'UNKNOWN');
    goes('web', 'UNKNOWN', 'RUNNING');
    expect(history.history('web', ALL)).toMatchObject({ crashes_last_hour: 0, restarts_last_hour: 0 });
  });

  it('does not take the end of one instance for that of another', () => {
    runs('web', 'STOPPED', 3001);
    goes('web', 'RUNNING', 'FATAL', { port: 3001 });
    runs('web', 'STOPPED', 3002);
    expect(history.history('web', ALL)).toMatchObject({ crashes_last_hour: 1, restarts_last_hour: 0 });
    expect(history.history('web', { ...ALL, port: 3002 })).toMatchObject({
      crashes_last_hour: 0,
      last_crash: null,
    });
    expect(history.history('web', { ...ALL, port: 3002 }).transitions).toHaveLength(2);
  });

  it('remembers the last crash, but counts only those of the last hour', () => {
    const longAgo = new Date(Date.now() - 3_700_000).toISOString();
    goes('web', 'RUNNING', 'FATAL', { time: longAgo, exit_status: 9 });
    goes('web', 'FATAL', 'STARTING', { time: longAgo });
    goes('web', 'STARTING', 'RUNNING', { time: longAgo });
    expect(history.history('web', { limit: 1 })).toMatchObject({
      transitions: [{ to: 'RUNNING' }],
      crashes_last_hour: 0,
      restarts_last_hour: 0,
      last_crash: { exit_status: 9, time: longAgo },
    });
  });

  it('knows what happened before a restart of the service', async () => {
    goes('web', 'RUNNING', 'FATAL', { exit_status: 3 });
    await journal.onApplicationShutdown();
    const next = new ChangeJournal(new ChangeFeed(), new StatePaths(root));
    await next.onModuleInit();
    expect(new HistoryService(next).history('web', ALL)).toMatchObject({
      crashes_last_hour: 1,
      last_crash: { exit_status: 3 },
    });
  });

  function runs(program: string, from: PublicState = 'STOPPED', port: number | null = null): void {
    goes(program, from, 'STARTING', { port });
    goes(program, 'STARTING', 'RUNNING', { port });
  }

  function goes(program: string, from: PublicState, to: PublicState, of: object = {}): void {
    const time = new Date().toISOString();
    feed.publish({
      type: 'state',
      program,
      port: null,
      from,
      to,
      pid: null,
      exit_status: null,
      spawn_error: null,
      time,
      ...of,
    });
  }
});
