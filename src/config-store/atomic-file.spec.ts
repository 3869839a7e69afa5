import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeTemporaryFiles, writeFileAtomically } from './atomic-file';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'atomic-'))));
afterEach(() => rmSync(folder, { recursive: true }));

it('writes files that nobody else can read, whatever the umask and the old mode', async () => {
  const file = join(folder, 'programs.json');
  writeFileSync(file, 'old', { mode: 0o644 });
  const umask = process.umask(0o777);
  try {
    await writeFileAtomically(file, 'new');
  } finally {
    process.umask(umask);
  }
  expect(readFileSync(file, 'utf8')).toBe('new');
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

it('replaces what a symbolic link leads to, not the link', async () => {
  const [link, real] = [join(folder, 'programs.json'), join(folder, 'real.json')];
  writeFileSync(real, 'old');
  symlinkSync(real, link);
  await writeFileAtomically(link, 'new');
  expect(readFileSync(real, 'utf8')).toBe('new');
});

it('leaves no temporary file behind when it fails', async () => {
  await expect(writeFileAtomically(join(folder, 'missing', 'a.json'), 'x')).rejects.toMatchObject({
    code: 'ENOENT',
  });
  await expect(writeFileAtomically(folder, 'x')).rejects.toThrow(/rename/);
  expect(readdirSync(folder)).toEqual([]);
});

it('clears away what a crash left, and nothing else', async () => {
  for (const name of ['programs.json', 'programs.json.12-1.tmp', 'ephemeral.json.9-22.tmp', 'notes.tmp'])
    writeFileSync(join(folder, name), '');
  await removeTemporaryFiles(folder);
  expect(readdirSync(folder).sort()).toEqual(['notes.tmp', 'programs.json']);
});
