import {
  chmodSync,
  chownSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prepareStateDirectory } from './state-directory';
import { StateDirectoryError } from './state-directory-error';
import { StatePaths } from './state-paths';

const ifRoot = process.getuid?.() === 0 ? it : it.skip;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'state-'));
  chmodSync(folder, 0o755);
});
afterEach(() => rmSync(folder, { recursive: true }));

function modeOf(path: string): string {
  return (statSync(path).mode & 0o7777).toString(8);
}

async function refusal(root: string): Promise<string> {
  const error: unknown = await prepareStateDirectory(new StatePaths(root)).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(StateDirectoryError);
  expect((error as Error).message).not.toContain('\n');
  return (error as Error).message;
}

it.each([0o000, 0o022, 0o077])('makes folders with exact modes under umask %o', async (mask) => {
  const paths = new StatePaths(join(folder, 'a', 'b', 'state'));
  const umask = process.umask(mask);
  try {
    await prepareStateDirectory(paths);
  } finally {
    process.umask(umask);
  }
  expect([paths.root, paths.launchers].map(modeOf)).toEqual(['711', '711']);
  expect([paths.logs, paths.supervisor, paths.groupFiles].map(modeOf)).toEqual(['700', '700', '700']);
  expect([join(folder, 'a'), join(folder, 'a', 'b')].map(modeOf)).toEqual(['755', '755']);
});

it('corrects the modes of folders that are there, and keeps what is in them', async () => {
  const paths = new StatePaths(join(folder, 'state'));
  mkdirSync(paths.logs, { recursive: true, mode: 0o755 });
  chmodSync(paths.root, 0o700);
  writeFileSync(join(paths.logs, 'web.stdout.log'), 'hello');
  await prepareStateDirectory(paths);
  await prepareStateDirectory(paths);
  expect([modeOf(paths.root), modeOf(paths.logs)]).toEqual(['711', '700']);
  expect(statSync(join(paths.logs, 'web.stdout.log')).size).toBe(5);
});

it.each([0o775, 0o757, 0o1777])('refuses a folder with mode %o, which others can write', async (mode) => {
  const root = join(folder, 'state');
  mkdirSync(root);
  chmodSync(root, mode);
  expect(await refusal(root)).toContain(`${root} can be written by other users (mode`);
  expect(modeOf(root)).toBe(mode.toString(8));
});

it('refuses a file in its place', async () => {
  writeFileSync(join(folder, 'state'), '');
  expect(await refusal(join(folder, 'state'))).toContain('is not a folder');
  expect(await refusal(join(folder, 'state', 'below'))).toContain('a file is in the way');
});

it('follows a symbolic link of its own user to a folder of its own user', async () => {
  mkdirSync(join(folder, 'real'));
  symlinkSync(join(folder, 'real'), join(folder, 'state'));
  await prepareStateDirectory(new StatePaths(join(folder, 'state')));
  expect(modeOf(join(folder, 'real', 'logs'))).toBe('700');
});

it('refuses a symbolic link that leads nowhere', async () => {
  symlinkSync(join(folder, 'gone'), join(folder, 'state'));
  expect(await refusal(join(folder, 'state'))).toContain('is a symbolic link that leads nowhere');
});

ifRoot('refuses a folder of another user', async () => {
  const root = join(folder, 'state');
  mkdirSync(root);
  chownSync(root, 12345, 12345);
  expect(await refusal(root)).toContain('belongs to another user (uid 12345, the service runs as uid 0)');
});

ifRoot('refuses a symbolic link of another user', async () => {
  mkdirSync(join(folder, 'real'));
  symlinkSync(join(folder, 'real'), join(folder, 'state'));
  lchownSync(join(folder, 'state'), 12345, 12345);
  expect(await refusal(join(folder, 'state'))).toContain('is a symbolic link of another user (uid 12345)');
});

ifRoot('refuses a folder inside that another user owns', async () => {
  const paths = new StatePaths(join(folder, 'state'));
  await prepareStateDirectory(paths);
  chownSync(paths.launchers, 12345, 12345);
  expect(await refusal(paths.root)).toContain(`${paths.launchers} belongs to another user`);
});

ifRoot('warns when programs of other users could not reach their launchers', async () => {
  expect(await prepareStateDirectory(new StatePaths(join(folder, 'state')))).toEqual([]);
  chmodSync(folder, 0o700);
  expect(await prepareStateDirectory(new StatePaths(join(folder, 'state')))).toEqual([
    expect.stringContaining(`Other users cannot pass through ${folder},`),
  ]);
});
