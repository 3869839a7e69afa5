import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { cleanUp, ended, startChild, temporaryFolder } from '../../test/fixtures/diag-children';
import { kernelUnits, secondsSince } from './kernel-units';
import { hasEnded, readProcess, scanProcesses } from './process-table';

describe('the process table', () => {
  afterEach(cleanUp);

  it('lists every process, this one too', async () => {
    const child = startChild('/bin/sleep', ['300']);
    const entries = await scanProcesses();

    const own = entries.find(({ pid }) => pid === process.pid);
    expect(own).toMatchObject({ ppid: process.ppid, state: expect.stringMatching(/^[RSD]$/) });
    expect(own!.rssPages * kernelUnits.pageBytes).toBeGreaterThan(10_000_000);
    expect(entries.find(({ pid }) => pid === child.pid)).toMatchObject({
      ppid: process.pid,
      pgid: child.pid,
    });
  });

  it('reads a program whose name looks like the rest of the line', async () => {
    const program = join(temporaryFolder(), 'x) S 1 1 (');
    copyFileSync('/bin/sleep', program);
    const child = startChild(program, ['300']);
    expect(readProcess(child.pid)).toMatchObject({ comm: 'x) S 1 1 (', ppid: process.pid });
  });

  it('knows when a process has ended', async () => {
    const child = startChild('/bin/true', []);
    await ended(child);
    expect(hasEnded(readProcess(child.pid))).toBe(true);
    expect(hasEnded(readProcess(process.pid))).toBe(false);
  });

  it('tells how long a process has been there', () => {
    const { startTicks } = readProcess(process.pid)!;
    const difference = secondsSince(startTicks) - process.uptime();
    expect(difference).toBeGreaterThan(-0.1);
    expect(difference).toBeLessThan(60);
  });
});
