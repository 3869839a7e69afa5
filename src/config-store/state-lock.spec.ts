import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeWithTypeScript } from '../../test/support/node-with-typescript';
import { lockStateDirectory } from './state-lock';
import { StatePaths } from './state-paths';

let paths: StatePaths;
const children: ChildProcess[] = [];
beforeEach(() => (paths = new StatePaths(mkdtempSync(join(tmpdir(), 'lock-')))));
afterEach(() => {
  children.splice(0).forEach((child) => child.kill('SIGKILL'));
  rmSync(paths.root, { recursive: true });
});

const HOLD = `
  const { lockStateDirectory } = require(process.argv[1] + '/state-lock.ts');
  const { StatePaths } = require(process.argv[1] + '/state-paths.ts');
  lockStateDirectory(new StatePaths(process.argv[2])).then(
    () => { console.log('locked'); setInterval(() => {}, 1000); },
    (error) => { console.log(error.message); process.exit(1); },
  );`;

/** Another process that takes the lock, or says why not. */
async function otherProcess(path = process.env.PATH): Promise<{ child: ChildProcess; said: string }> {
  const child = spawn(process.execPath, nodeWithTypeScript(HOLD, __dirname, paths.root), {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, PATH: path },
  });
  children.push(child);
  const [said] = (await once(child.stdout, 'data')) as [Buffer];
  return { child, said: said.toString().trim() };
}

async function killed(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

it('refuses a second service in the same process', async () => {
  const lock = await lockStateDirectory(paths);
  await expect(lockStateDirectory(paths)).rejects.toThrow(
    `Another hoody-daemon (pid ${process.pid}) already uses ${paths.root}. ` +
      'Stop it, or set DAEMON_STATE_DIR to another folder.',
  );
  lock.release();
  lock.release();
  (await lockStateDirectory(paths)).release();
});

it('refuses a second process, and names the first', async () => {
  const { child, said } = await otherProcess();
  expect(said).toBe('locked');
  await expect(lockStateDirectory(paths)).rejects.toThrow(
    `Another hoody-daemon (pid ${child.pid}) already uses`,
  );
});

it('is free again as soon as its holder was killed with kill -9', async () => {
  const { child } = await otherProcess();
  await killed(child);
  const lock = await lockStateDirectory(paths);
  expect(readFileSync(paths.lock, 'utf8')).toBe(`${process.pid}\n`);
  expect((await otherProcess()).said).toContain(`Another hoody-daemon (pid ${process.pid}) already uses`);
  lock.release();
});

it('lets exactly one of many that start at once win', async () => {
  const results = await Promise.allSettled(Array.from({ length: 10 }, () => lockStateDirectory(paths)));
  const won = results.filter((r) => r.status === 'fulfilled');
  expect(won).toHaveLength(1);
  won[0]!.value.release();
});

it('holds when somebody deletes the file with the pid', async () => {
  const lock = await lockStateDirectory(paths);
  rmSync(paths.lock);
  await expect(lockStateDirectory(paths)).rejects.toThrow(`Another hoody-daemon already uses ${paths.root}.`);
  lock.release();
});

it('is not kept by programs that the holder started', async () => {
  const lock = await lockStateDirectory(paths);
  children.push(spawn('sleep', ['30'], { stdio: 'ignore' }));
  lock.release();
  (await lockStateDirectory(paths)).release();
});

it('does not name a process that is gone', async () => {
  const gone = spawnSync('true').pid;
  const lock = await lockStateDirectory(paths);
  writeFileSync(paths.lock, `${gone}\n`);
  await expect(lockStateDirectory(paths)).rejects.toThrow(`Another hoody-daemon already uses ${paths.root}.`);
  lock.release();
});

it('works with Python where flock is missing, and says what is missing where both are', async () => {
  const python = spawnSync('python3', ['-c', 'import sys; print(sys.executable)'], {
    encoding: 'utf8',
  }).stdout.trim();
  const bin = mkdtempSync(join(tmpdir(), 'bin-'));
  try {
    expect((await otherProcess(bin)).said).toContain('neither flock (util-linux) nor python3 is on the PATH');
    writeFileSync(join(bin, 'python3'), `#!/bin/sh\nexec ${python} "$@"\n`, { mode: 0o755 });
    expect((await otherProcess(bin)).said).toBe('locked');
    expect((await otherProcess(bin)).said).toContain('Another hoody-daemon');
    await expect(lockStateDirectory(paths)).rejects.toThrow('Another hoody-daemon');
  } finally {
    rmSync(bin, { recursive: true });
  }
});
