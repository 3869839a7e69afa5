import { closeSync, ftruncateSync, openSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Service } from '../support/service';

const TEN_GB = 10 * 1024 ** 3;

describe('searching the log of a program', () => {
  let service: Service;
  let id: string;
  const logFile = (program: string): string => join(service.stateDir, 'logs', `${program}.stdout.log`);
  const search = async (query: Record<string, string | number>, program = id) => {
    const parameters = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) parameters.set(name, String(value));
    return (await service.get(`programs/${program}/logs?${parameters.toString()}`)).body;
  };

  beforeAll(async () => {
    service = await Service.start();
    id = await service.add({
      command:
        'for i in 1 2 3 4 5 6 7 8 9; do echo "2025-01-15T10:0$i:00Z item $i (a.b)"; done; echo "ERROR: broke" >&2; exec sleep 1000',
    });
    await service.post(`programs/${id}/start`);
    await service.until(
      `programs/${id}/logs`,
      ({ stdout, stderr }) => stdout.includes('item 9') && stderr !== '',
    );
  });
  afterAll(() => service.dispose());

  const item = (...numbers: number[]): string =>
    numbers.map((i) => `2025-01-15T10:0${i}:00Z item ${i} (a.b)\n`).join('');

  it('finds a text as it stands, in both streams', async () => {
    expect(await search({ grep: 'item 4 (a.b)' })).toEqual({ stdout: item(4), stderr: '' });
    expect(await search({ grep: 'ERROR' })).toEqual({ stdout: '', stderr: 'ERROR: broke\n' });
    expect(await search({ grep: 'a.b)', lines: 2 })).toEqual({ stdout: item(8, 9), stderr: '' });
    expect(await search({ grep: 'axb' })).toEqual({ stdout: '', stderr: '' });
  });

  it('finds what a regular expression says', async () => {
    expect((await search({ grep: 'item [37] ', grep_mode: 'regex' })).stdout).toBe(item(3, 7));
  });

  it('shows what is around a match', async () => {
    expect((await search({ grep: 'item 5', before: 1, after: 2 })).stdout).toBe(item(4, 5, 6, 7));
  });

  it('goes by the times that lines carry', async () => {
    const since = '2025-01-15T10:07:00Z';
    expect((await search({ since })).stdout).toBe(item(7, 8, 9));
    expect((await search({ until: '2025-01-15T10:02:00Z' })).stdout).toBe(item(1, 2));
    expect((await search({ since, until: '2025-01-15T10:08:00Z', grep: 'item' })).stdout).toBe(item(7, 8));
  });

  it.each([
    [{ grep: '(', grep_mode: 'regex' }, 'grep'],
    [{ grep: '(?=x)', grep_mode: 'regex' }, 'grep'],
    [{ grep_mode: 'regex' }, 'grep_mode'],
    [{ before: 2 }, 'before'],
    [{ since: 'yesterday' }, 'since'],
    [{ grep: '' }, 'grep'],
  ])('refuses %j and names %s', async (query, field) => {
    expect(await search(query as Record<string, string>)).toMatchObject({
      code: 'VALIDATION_ERROR',
      details: [{ field }],
    });
  });

  it('searches through rotated files', async () => {
    const rotated = await service.add({ command: 'exec sleep 1000' });
    writeFileSync(`${logFile(rotated)}.1`, 'match old\nmatch cut in');
    writeFileSync(logFile(rotated), ' two\nmatch new\n');
    expect((await search({ grep: 'match' }, rotated)).stdout).toBe(
      'match old\nmatch cut in two\nmatch new\n',
    );
  });

  it('stays within bounds on a log of 10 GB, where reading its end costs as on a small one', async () => {
    const huge = await service.add({ command: 'exec sleep 1000' });
    const file = openSync(logFile(huge), 'w');
    ftruncateSync(file, TEN_GB);
    writeSync(file, '\nneedle\nlast\n', TEN_GB);
    closeSync(file);
    expect(statSync(logFile(huge)).size).toBeGreaterThan(TEN_GB);

    const began = Date.now();
    expect((await search({ lines: 2 }, huge)).stdout).toBe('needle\nlast\n');
    expect(Date.now() - began).toBeLessThan(1000);
    expect((await search({ grep: 'needle', lines: 1 }, huge)).stdout).toBe('needle\n');
    const missing = await search({ grep: 'nowhere', grep_mode: 'regex' }, huge);
    expect(missing).toMatchObject({ stdout: '', truncated: true });
    expect(Date.now() - began).toBeLessThan(12_000);
  });

  it('answers others while it searches for an expression made to be slow', async () => {
    const busy = await service.add({ command: 'exec sleep 1000' });
    writeFileSync(logFile(busy), `${'a'.repeat(400)}\n`.repeat(100_000));
    const began = Date.now();
    const searching = search({ grep: '(a+)+$b', grep_mode: 'regex' }, busy);
    await service.get('health');
    expect(Date.now() - began).toBeLessThan(1000);
    await searching;
    expect(Date.now() - began).toBeLessThan(10_000);
  });
});
