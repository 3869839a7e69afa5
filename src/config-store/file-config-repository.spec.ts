import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import fsPromises from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DaemonError } from '../domain/errors';
import { PROGRAM_DEFAULTS, type EphemeralProgram, type StoredProgram } from '../domain/program';
import { FileConfigRepository } from './file-config-repository';
import { StatePaths } from './state-paths';
import { nodeWithTypeScript } from '../../test/support/node-with-typescript';

const SHIPPED_DEFAULTS = join(__dirname, 'programs.default.json');

let folder: string;
let paths: StatePaths;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'config-'));
  paths = new StatePaths(folder);
});
afterEach(() => {
  jest.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

const open = () => FileConfigRepository.open(paths, SHIPPED_DEFAULTS);

function aProgram(fields: Partial<StoredProgram> = {}): StoredProgram {
  const described = { id: 'web', name: 'Web', command: './run', user: 'root', hoody_kit: false };
  return { ...PROGRAM_DEFAULTS, ...described, wanted: [], previous: null, ...fields };
}

function anEphemeral(temporary_id = 'eph-abc123def456'): EphemeralProgram {
  return {
    temporary_id,
    name: null,
    command: 'sleep 5',
    user: 'root',
    directory: null,
    environment: {},
    port_range: { start: 0, end: 0 },
    stop_signal: 'TERM',
    stop_seconds: 10,
    log_max_bytes: 0,
    created_at: '2025-01-15T10:30:00.000Z',
    expires_at: null,
    epoch: 'e1',
    ended_at: null,
  };
}

const add = (program: StoredProgram) => (programs: readonly StoredProgram[]) => {
  if (programs.some((p) => p.id === program.id)) throw new DaemonError('PROGRAM_ALREADY_EXISTS', 'taken');
  return [...programs, program];
};

const ids = (programs: readonly StoredProgram[]) => programs.map((p) => p.id);
const onDisk = () => JSON.parse(readFileSync(paths.programs, 'utf8')) as StoredProgram[];

describe('a first start', () => {
  it('registers the default programs, none of them wanted', async () => {
    const repository = await open();
    expect(ids(repository.programs())).toEqual(['apache2', 'nginx', 'redis', 'cron', 'ssh']);
    expect(repository.programs().every((p) => p.hoody_kit && p.wanted.length === 0)).toBe(true);
    expect(onDisk()).toEqual(repository.programs());
    expect(ids(repository.defaults() as StoredProgram[])).toEqual(ids(repository.programs()));
    expect(await repository.backups()).toEqual([]);
  });

  it('fails with one line when the defaults cannot be used', async () => {
    const defaults = join(folder, 'defaults.json');
    const opened = () => FileConfigRepository.open(paths, defaults);
    const says = async () => ((await opened().catch((e: unknown) => e)) as Error).message;
    expect(await says()).toBe(
      `The defaults ${defaults} cannot be used: there is no such file. ` +
        'Correct the file, or set DAEMON_DEFAULTS_FILE to another one.',
    );
    writeFileSync(defaults, '[\n  {"name": }\n]');
    expect(await says()).toContain(`The defaults ${defaults} cannot be used: it is not valid JSON`);
    writeFileSync(defaults, '[{"name": "x"}]');
    expect(await says()).toContain('[0].command is required');
    expect(existsSync(paths.programs)).toBe(false);
  });
});

describe('a later start', () => {
  it('finds what was saved, in order', async () => {
    const first = await open();
    await first.replaceAll([aProgram({ id: 'b', name: 'b', wanted: [0] })]);
    await first.updatePrograms(add(aProgram({ id: 'a', name: 'a', environment: { constructor: 'x\n%;' } })));
    await first.updateEphemerals((list) => [...list, anEphemeral()]);
    const second = await open();
    expect(second.programs()).toEqual(first.programs());
    expect(ids(second.programs())).toEqual(['b', 'a']);
    expect(second.ephemerals()).toEqual([anEphemeral()]);
    expect(second.ephemeral('eph-abc123def456').command).toBe('sleep 5');
    expect(second.program('a').environment).toEqual({ constructor: 'x\n%;' });
  });

  it('brings no default back that was removed', async () => {
    const first = await open();
    await first.updatePrograms(() => []);
    expect((await open()).programs()).toEqual([]);
  });

  it('removes temporary files that a crash left behind', async () => {
    writeFileSync(`${paths.programs}.4711-3.tmp`, '[{"na');
    await open();
    expect(readdirSync(folder)).toEqual(['programs.json']);
  });

  it('makes files private that an editor left readable, without changing a byte', async () => {
    writeFileSync(paths.programs, '[]  ');
    writeFileSync(paths.ephemeral, '[]');
    [paths.programs, paths.ephemeral].forEach((file) => chmodSync(file, 0o644));
    await open();
    for (const file of [paths.programs, paths.ephemeral]) expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(paths.programs, 'utf8')).toBe('[]  ');
  });
});

it('writes JSON that people can read and diff, and only they: mode 0600', async () => {
  const repository = await open();
  await repository.updatePrograms(() => [aProgram()]);
  await repository.updateEphemerals(() => [anEphemeral()]);
  const text = readFileSync(paths.programs, 'utf8');
  expect(text).toBe(`${JSON.stringify([aProgram()], null, 2)}\n`);
  for (const file of [paths.programs, paths.ephemeral]) expect(statSync(file).mode & 0o777).toBe(0o600);
});

it('knows no program that is not there', async () => {
  const repository = await open();
  for (const ask of [() => repository.program('x'), () => repository.ephemeral('eph-x')])
    expect(ask).toThrow(expect.objectContaining({ code: 'PROGRAM_NOT_FOUND' }));
});

describe('changes', () => {
  it('of one name race: exactly one wins', async () => {
    const repository = await open();
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, (_, i) =>
        repository.updatePrograms(add(aProgram({ command: `./run ${i}` }))),
      ),
    );
    expect(results.filter((r) => r.status === 'fulfilled')).toHaveLength(1);
    for (const result of results)
      if (result.status === 'rejected')
        expect(result.reason).toMatchObject({ code: 'PROGRAM_ALREADY_EXISTS' });
    expect(onDisk().filter((p) => p.id === 'web')).toHaveLength(1);
  });

  it('are on disk when they resolve, however many come at once', async () => {
    const repository = await open();
    await Promise.all(
      Array.from({ length: 200 }, async (_, i) => {
        await repository.updatePrograms(add(aProgram({ id: `p${i}`, name: `p${i}` })));
        expect(ids(onDisk())).toContain(`p${i}`);
      }),
    );
    expect(onDisk()).toEqual(repository.programs());
  });

  it('that change nothing write nothing', async () => {
    const repository = await open();
    const { ino } = statSync(paths.programs);
    await repository.updatePrograms((programs) => programs);
    expect(statSync(paths.programs).ino).toBe(ino);
  });
});

/** A disk of 64 KiB; without the right to mount one, the errors that it would give. */
class SmallDisk {
  private readonly mounted: boolean;

  constructor(private readonly folder: string) {
    this.mounted =
      spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k,mode=755', 'tmpfs', folder]).status === 0;
  }

  makeReadOnly(): void {
    if (!this.mounted || spawnSync('mount', ['-o', 'remount,ro', this.folder]).status !== 0)
      this.failOpens('EROFS');
  }

  fill(): void {
    if (!this.mounted) this.failOpens('ENOSPC');
  }

  unmount(): void {
    if (this.mounted) spawnSync('umount', [this.folder]);
  }

  private failOpens(code: string): void {
    jest.spyOn(fsPromises, 'open').mockRejectedValue(Object.assign(new Error(code), { code }));
  }
}

describe('a disk that says no', () => {
  let disk: SmallDisk;
  beforeEach(() => (disk = new SmallDisk(folder)));
  afterEach(() => disk.unmount());

  it('keeps the old programs.json when the disk fills during a save', async () => {
    const repository = await open();
    await repository.updatePrograms(() => [aProgram()]);
    const before = readFileSync(paths.programs, 'utf8');
    disk.fill();
    // Larger than the disk by itself, so that the kernel takes a part of it first.
    const large = aProgram({ id: 'large', name: 'large', environment: { A: 'x'.repeat(90_000) } });
    const results = await Promise.allSettled([
      repository.updatePrograms(add(large)),
      repository.updatePrograms(add(large)),
    ]);
    for (const result of results)
      expect((result as PromiseRejectedResult).reason).toMatchObject({
        code: 'INTERNAL_ERROR',
        message: 'Cannot save programs.json: no space left on device (ENOSPC). Nothing was changed.',
      });
    expect(readFileSync(paths.programs, 'utf8')).toBe(before);
    expect(ids(repository.programs())).toEqual(['web']);
    expect(readdirSync(folder)).toEqual(['programs.json']);
    jest.restoreAllMocks();
    await repository.updatePrograms(add(aProgram({ id: 'small', name: 'small' })));
    expect(ids(onDisk())).toEqual(['web', 'small']);
  });

  it('leaves all as it was when a replacement does not fit', async () => {
    const repository = await open();
    await repository.updatePrograms(() => [aProgram()]);
    disk.fill();
    const large = aProgram({ environment: { A: 'x'.repeat(90_000) } });
    await expect(repository.replaceAll([large])).rejects.toMatchObject({ code: 'INTERNAL_ERROR' });
    jest.restoreAllMocks();
    expect(readdirSync(folder)).toEqual(['programs.json']);
    expect(repository.programs()).toEqual([aProgram()]);
    expect(await repository.replaceAll([])).toMatch(/^programs\.backup-/);
  });

  it('says so when the file system is read-only', async () => {
    const repository = await open();
    disk.makeReadOnly();
    await expect(repository.updatePrograms(() => [])).rejects.toMatchObject({
      code: 'INTERNAL_ERROR',
      message: 'Cannot save programs.json: the file system is read-only (EROFS). Nothing was changed.',
    });
    expect(repository.programs()).toHaveLength(5);
  });
});

it('says so when the folder is gone', async () => {
  const repository = await open();
  rmSync(folder, { recursive: true });
  await expect(repository.updatePrograms(() => [])).rejects.toThrow(
    'its folder is gone (ENOENT). Nothing was changed.',
  );
  mkdirSync(folder);
  await repository.updatePrograms(() => []);
  expect(onDisk()).toEqual([]);
});

it('leaves valid JSON with all that was confirmed when the process is killed with kill -9 while it saves', async () => {
  const script = `
    const { FileConfigRepository } = require(process.argv[1] + '/file-config-repository.ts');
    const { StatePaths } = require(process.argv[1] + '/state-paths.ts');
    (async () => {
      const repository = await FileConfigRepository.open(new StatePaths(process.argv[2]), process.argv[3]);
      for (let i = 0; ; i++) {
        const program = { ...repository.defaults()[0], id: 'p' + i, name: 'p' + i, wanted: [], previous: null,
          environment: { PADDING: 'x'.repeat(50_000) } };
        await repository.updatePrograms((programs) => [...programs.slice(-20), program]);
        process.stdout.write(i + '\\n');
      }
    })();`;
  for (const afterSaves of [1, 5, 12]) {
    const child = spawn(process.execPath, nodeWithTypeScript(script, __dirname, folder, SHIPPED_DEFAULTS), {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exit = once(child, 'exit');
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      if (said.split('\n').length > afterSaves) child.kill('SIGKILL');
    });
    await exit;
    const confirmed = Number(said.trimEnd().split('\n').at(-1));
    const repository = await open();
    expect(repository.problem).toBeNull();
    const last = Number(repository.programs().at(-1)!.id.slice(1));
    expect(last).toBeGreaterThanOrEqual(confirmed);
    expect(readdirSync(folder)).toEqual(['programs.json']);
    rmSync(paths.programs);
  }
});

describe('a programs.json that cannot be used', () => {
  const unusable: [string, string, string | null, string][] = [
    ['is empty', '', null, 'it is not valid JSON'],
    ['is cut off', '[\n  {"name": "secret",\n', null, 'it is not valid JSON (line 3, column 1)'],
    ['has a comma too many', '[\n  {"name": "x",}\n]', null, 'it is not valid JSON (line 2, column 16)'],
    ['is not UTF-8', '\xff', null, 'it is not UTF-8 text'],
    ['is no list', '{}', null, 'the file must hold a list of programs, in [ ]'],
    [
      'has a bad field',
      '[{"name": "x", "command": "y", "user": "z", "start_seconds": 301}]',
      '[0].start_seconds',
      '[0].start_seconds must be an integer from 0 to 300',
    ],
  ];

  describe.each(unusable)('because it %s', (_, content, field, message) => {
    beforeEach(() => writeFileSync(paths.programs, content, 'latin1'));

    it('lets the service start, and says where it is wrong', async () => {
      const repository = await open();
      expect(repository.problem).toEqual({ file: paths.programs, field, message });
      const refusal = expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: expect.stringContaining(`${paths.programs} cannot be used: ${message}.`) as string,
        extra: { file: paths.programs, field },
      }) as Error;
      expect(() => repository.programs()).toThrow(refusal);
      expect(() => repository.program('web')).toThrow(refusal);
      await expect(repository.updatePrograms(() => [])).rejects.toEqual(refusal);
      await repository.updateEphemerals(() => [anEphemeral()]);
      expect(readFileSync(paths.programs, 'latin1')).toBe(content);
    });

    it('is kept as a backup by a replacement, after which all is well', async () => {
      const repository = await open();
      const backup = await repository.replaceAll([aProgram()]);
      expect(readFileSync(join(folder, backup!), 'latin1')).toBe(content);
      expect(repository.problem).toBeNull();
      expect(ids(repository.programs())).toEqual(['web']);
      await expect(repository.readBackup(backup!)).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
        extra: { file: join(folder, backup!), field },
      });
    });
  });

  it('never quotes the file, which may hold secrets', async () => {
    writeFileSync(paths.programs, '[{"webhooks": {"secret": hush}}]');
    expect((await open()).problem?.message).not.toContain('hush');
  });

  it('may even be a folder: a replacement moves it aside', async () => {
    mkdirSync(paths.programs);
    const repository = await open();
    expect(repository.problem?.message).toBe('it cannot be read: it is a folder (EISDIR)');
    const backup = await repository.replaceAll([]);
    expect(statSync(join(folder, backup!)).isDirectory()).toBe(true);
    expect(onDisk()).toEqual([]);
  });
});

it('moves a bad ephemeral.json aside, and says so', async () => {
  writeFileSync(paths.ephemeral, '[{"temporary_id": 5}]');
  const repository = await open();
  expect(repository.ephemerals()).toEqual([]);
  const aside = readdirSync(folder).find((name) => name.startsWith('ephemeral.json.invalid-'));
  expect(readFileSync(join(folder, aside!), 'utf8')).toBe('[{"temporary_id": 5}]');
  expect(repository.warnings).toEqual([
    expect.stringMatching(
      /ephemeral\.json cannot be used: \[0\]\..*It was moved to .*ephemeral\.json\.invalid-/,
    ),
  ]);
  expect(repository.problem).toBeNull();
});

describe('backups', () => {
  it('hold what was there, newest first, and never overwrite each other', async () => {
    jest.spyOn(Date, 'now').mockReturnValue(Date.UTC(2025, 0, 15, 10, 30));
    const repository = await open();
    const names: (string | null)[] = [];
    for (const id of ['a', 'b', 'c']) names.push(await repository.replaceAll([aProgram({ id, name: id })]));
    expect(names[0]).toBe('programs.backup-2025-01-15T10-30-00-000Z.json');
    expect(await repository.backups()).toEqual([...names].reverse());
    expect(ids(await repository.readBackup(names[1]!))).toEqual(['a']);
    expect(ids(await repository.readBackup(names[2]!))).toEqual(['b']);
    expect(statSync(join(folder, names[0]!)).mode & 0o777).toBe(0o600);
  });

  it('contain the changes that were asked for before', async () => {
    const repository = await open();
    void repository.updatePrograms(() => [aProgram()]);
    const replaced = repository.replaceAll([]);
    const after = repository.updatePrograms(add(aProgram({ id: 'after', name: 'after' })));
    expect(ids(await repository.readBackup((await replaced)!))).toEqual(['web']);
    await after;
    expect(ids(onDisk())).toEqual(['after']);
  });

  it('are kept to the newest 20', async () => {
    const repository = await open();
    let last: string | null = null;
    for (let i = 0; i < 23; i++) last = await repository.replaceAll([]);
    expect(await repository.backups()).toHaveLength(20);
    expect((await repository.backups())[0]).toBe(last);
  });

  it('stay when they were just made, also after the clock was set back', async () => {
    const repository = await open();
    for (let i = 0; i < 20; i++) await repository.replaceAll([]);
    jest.spyOn(Date, 'now').mockReturnValue(0);
    const backup = await repository.replaceAll([]);
    expect(await repository.backups()).toHaveLength(20);
    expect(await repository.readBackup(backup!)).toEqual([]);
  });

  it.each([
    'x',
    '../programs.json',
    'programs.json',
    'programs.backup-2025.json',
    'programs.backup-/../x.json',
    '',
  ])('are not found under %j', async (name) => {
    writeFileSync(join(folder, 'x'), '[]');
    await expect((await open()).readBackup(name)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('are null when there was nothing to keep', async () => {
    const repository = await open();
    rmSync(paths.programs);
    expect(await repository.replaceAll([])).toBeNull();
  });
});
