import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cleanUp, temporaryFolder } from '../../test/fixtures/diag-children';
import { aRun, ME, NOBODY, TEST_PATH } from '../../test/fixtures/diag-runs';
import { preflight } from './preflight';

const itAsRoot = process.getuid!() === 0 ? it : it.skip;

describe('preflight', () => {
  let folder: string;
  beforeEach(() => (folder = temporaryFolder()));
  afterEach(cleanUp);

  function aFile(name: string, text: string, mode: number): string {
    const file = join(folder, name);
    writeFileSync(file, text);
    chmodSync(file, mode);
    return file;
  }

  const messageOf = async (...args: Parameters<typeof aRun>): Promise<string | undefined> =>
    (await preflight(aRun(...args)))?.message;

  describe('of the directory', () => {
    it('says that it does not exist', async () => {
      expect(await preflight(aRun({ directory: '/nope/app' }))).toEqual({
        cause: 'directory_missing',
        directory: '/nope/app',
        why: 'missing',
        message: 'directory /nope/app does not exist',
      });
    });

    it("takes the user's home where there is none", async () => {
      expect(await messageOf({ directory: null, user: { ...ME, home: '/home/nope' } })).toBe(
        'directory /home/nope does not exist',
      );
    });

    it('says that it is a file', async () => {
      const file = aFile('file', '', 0o644);
      expect(await messageOf({ directory: file })).toBe(`directory ${file} is not a directory`);
      expect(await messageOf({ directory: `${file}/sub` })).toBe(`directory ${file}/sub is not a directory`);
    });

    it('shows blanks in its name', async () => {
      expect(await messageOf({ directory: '/srv/my app ' })).toBe('directory "/srv/my app " does not exist');
    });

    itAsRoot('names the folder that keeps the user out', async () => {
      mkdirSync(join(folder, 'locked/app'), { recursive: true });
      chmodSync(join(folder, 'locked'), 0o700);
      const directory = join(folder, 'locked/app');
      expect(await preflight(aRun({ directory, user: NOBODY }))).toEqual({
        cause: 'directory_not_accessible',
        directory,
        user: 'nobody',
        blocked_by: join(folder, 'locked'),
        message: `user "nobody" may not enter directory ${directory}: ${join(folder, 'locked')} does not let it through`,
      });
      expect(await preflight(aRun({ directory }))).toBeNull();
    });

    itAsRoot('knows that supplementary groups let the user in', async () => {
      chmodSync(folder, 0o710);
      expect((await preflight(aRun({ directory: folder, user: NOBODY })))?.cause).toBe(
        'directory_not_accessible',
      );
      expect(await preflight(aRun({ directory: folder, user: { ...NOBODY, groups: [ME.gid] } }))).toBeNull();
    });
  });

  describe('of the program', () => {
    it.each([
      'true',
      'node -v',
      '/bin/true',
      'echo x',
      'nodee || true',
      'nodee; true',
      '"nodee"',
      'X=1 nodee',
      '',
    ])('has nothing against %j', async (command) => {
      expect(await preflight(aRun({ command }))).toBeNull();
    });

    it('says where it looked for a command', async () => {
      expect(await preflight(aRun({ command: 'nodee server.js' }))).toEqual({
        cause: 'command_not_found',
        command: 'nodee',
        searched: TEST_PATH,
        message: `command "nodee" was not found; searched ${TEST_PATH}`,
      });
    });

    it("goes by the program's own PATH", async () => {
      aFile('mytool', '', 0o755);
      expect(
        await preflight(aRun({ command: 'mytool', environment: { PATH: `/nope:${folder}` } })),
      ).toBeNull();
      expect(await messageOf({ command: 'ls', environment: { PATH: '/nope' } })).toBe(
        'command "ls" was not found; searched /nope',
      );
    });

    it('takes relative paths from the directory', async () => {
      aFile('run', '', 0o755);
      expect(await preflight(aRun({ command: './run', directory: folder }))).toBeNull();
      expect(await preflight(aRun({ command: 'run', directory: folder, path: '/nope:' }))).toBeNull();
      expect(await messageOf({ command: './run', directory: '/tmp' })).toBe(
        'command "./run" was not found: there is no such file',
      );
    });

    it('says that it is not executable and what to do', async () => {
      const file = aFile('run.sh', '#!/bin/sh\n', 0o644);
      expect(await preflight(aRun({ command: `${file} x` }))).toEqual({
        cause: 'not_executable',
        path: file,
        why: 'mode',
        mode: '0644',
        message: `${file} is not executable (mode 0644); chmod +x it`,
      });
    });

    it('goes on along the PATH behind a file that is not executable', async () => {
      aFile('ls', '', 0o644);
      expect(await preflight(aRun({ command: 'ls', path: `${folder}:/bin` }))).toBeNull();
      expect((await preflight(aRun({ command: 'ls', path: folder })))?.cause).toBe('not_executable');
    });

    it('says that it is a directory', async () => {
      expect(await messageOf({ command: folder })).toBe(`${folder} is a directory, not a program`);
    });

    it('follows a link to nowhere', async () => {
      symlinkSync('/nope', join(folder, 'link'));
      expect((await preflight(aRun({ command: join(folder, 'link') })))?.cause).toBe('command_not_found');
    });

    itAsRoot('says that the user may not execute it', async () => {
      const file = aFile('tool', '', 0o750);
      expect(await messageOf({ command: file, user: NOBODY })).toBe(`user "nobody" may not execute ${file}`);
      expect(await preflight(aRun({ command: file }))).toBeNull();
      expect(await preflight(aRun({ command: file, user: { ...NOBODY, groups: [ME.gid] } }))).toBeNull();
    });
  });

  describe('of its interpreter', () => {
    it.each([
      ['#!/usr/bin/pyton3\n', 'needs the interpreter /usr/bin/pyton3, which does not exist'],
      ['#! /usr/bin/pyton3 -u\n', 'needs the interpreter /usr/bin/pyton3, which does not exist'],
      ['#!/usr/bin/env pyton3\n', `needs the interpreter pyton3, which was not found; searched ${TEST_PATH}`],
      [
        '#!/usr/bin/env pyton3 -u\n',
        `needs the interpreter "pyton3 -u", which was not found; searched ${TEST_PATH}`,
      ],
      [
        '#!/bin/sh\r\necho\r\n',
        'needs the interpreter "/bin/sh\\r", which does not exist: the file has Windows line breaks; convert it',
      ],
    ])('%j: %s', async (text, message) => {
      const file = aFile('run', text, 0o755);
      const diagnosis = await preflight(aRun({ command: file }));
      expect(diagnosis).toMatchObject({
        cause: 'bad_interpreter',
        path: file,
        message: `${file} ${message}`,
      });
    });

    it.each([
      ['#!/bin/sh\n'],
      ['#!/bin/sh -e'],
      ['#!/usr/bin/env sh\n'],
      ['#!/usr/bin/env -S nodee -x\n'],
      ['#!/usr/bin/env X=1\n'],
      ['#!\n'],
      ['echo hello\n'],
      [''],
      ['\x7fELF'],
      [`\x7fELF\x02\x01${'\xff'.repeat(200)}`],
    ])('has nothing against %j', async (text) => {
      expect(await preflight(aRun({ command: aFile('run', text, 0o755) }))).toBeNull();
    });

    it('can be the loader of a binary for another C library', async () => {
      const loader = '/lib/ld-nope-x86_64.so.1';
      const elf = Buffer.alloc(256);
      elf.write('\x7fELF\x02\x01', 'latin1');
      elf.writeBigUInt64LE(64n, 32);
      elf.writeUInt16LE(56, 54);
      elf.writeUInt16LE(1, 56);
      elf.writeUInt32LE(3, 64);
      elf.writeBigUInt64LE(128n, 72);
      elf.writeBigUInt64LE(BigInt(loader.length + 1), 96);
      elf.write(`${loader}\0`, 128);
      const file = aFile('app', '', 0o755);
      writeFileSync(file, elf);
      expect(await messageOf({ command: file })).toBe(
        `${file} needs the interpreter ${loader}, which does not exist`,
      );
    });
  });
});
