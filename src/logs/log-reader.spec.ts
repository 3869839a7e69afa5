import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { StatePaths } from '../config-store/state-paths';
import { makeLogFolder, removeFolder } from '../../test/fixtures/logs-support';
import { LogFollowers } from './log-follower';
import { LogReader } from './log-reader';

describe('LogReader', () => {
  let folder: string;
  let paths: StatePaths;
  let reader: LogReader;
  const web = { owner: 'web', port: 0 };
  beforeEach(() => {
    folder = makeLogFolder();
    paths = new StatePaths(folder);
    mkdirSync(paths.logs);
    reader = new LogReader(paths, new LogFollowers());
  });
  afterEach(() => removeFolder(folder));

  it('reads empty logs of a program that never ran', async () => {
    expect(await reader.read(web, { lines: 10 })).toEqual({ stdout: '', stderr: '' });
    expect(await reader.lastLines(web, 'stderr', 10)).toEqual([]);
  });

  it('reads both logs, or one and an empty text for the other', async () => {
    writeFileSync(paths.logFile(web, 'stdout'), 'a\nb\n');
    writeFileSync(paths.logFile(web, 'stderr'), 'x\n');
    expect(await reader.read(web, { lines: 1 })).toEqual({ stdout: 'b\n', stderr: 'x\n' });
    expect(await reader.read(web, { lines: 1, type: 'stderr' })).toEqual({ stdout: '', stderr: 'x\n' });
  });

  it('searches both logs', async () => {
    writeFileSync(paths.logFile(web, 'stdout'), 'error a\nb\n');
    writeFileSync(paths.logFile(web, 'stderr'), 'x\nerror y\n');
    expect(await reader.read(web, { lines: 5, search: { pattern: 'error' } })).toEqual({
      stdout: 'error a\n',
      stderr: 'error y\n',
    });
  });

  it('says that a text is not all that was asked for', async () => {
    writeFileSync(paths.logFile(web, 'stdout'), 'x'.repeat(9 * 1024 * 1024));
    const { stdout, truncated } = await reader.read(web, { lines: 1 });
    expect(stdout).toHaveLength(8 * 1024 * 1024);
    expect(truncated).toBe(true);
  });

  it('gives the last lines as a list', async () => {
    writeFileSync(paths.logFile(web, 'stderr'), 'a\n\nb\n');
    expect(await reader.lastLines(web, 'stderr', 2)).toEqual(['', 'b']);
    expect(await reader.lastLines(web, 'stderr', 9)).toEqual(['a', '', 'b']);
  });

  it.each([
    ['all logs of a program', undefined, ['web-2.3000.stdout.log', 'web-2.stdout.log']],
    [
      'the logs of one port',
      3000,
      ['web-2.3000.stdout.log', 'web-2.stdout.log', 'web.3001.stdout.log', 'web.stdout.log.1'],
    ],
  ])('removes %s and no others', async (_what, port, left) => {
    const names = [
      'web.stdout.log.1',
      'web.3000.stdout.log',
      'web.3000.stderr.log.12',
      'web.3001.stdout.log',
    ];
    for (const name of [...names, 'web-2.stdout.log', 'web-2.3000.stdout.log'])
      writeFileSync(`${paths.logs}/${name}`, '');
    await reader.remove('web', port);
    expect(readdirSync(paths.logs).sort()).toEqual(left);
  });
});
