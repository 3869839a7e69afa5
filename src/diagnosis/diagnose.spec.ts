import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  cleanUp,
  freePort,
  linesOf,
  listen,
  startChild,
  temporaryFolder,
} from '../../test/fixtures/diag-children';
import { aFailure, failureOf, NOBODY, TEST_PATH } from '../../test/fixtures/diag-runs';
import { diagnose } from './diagnose';
import { diagnosisOf, spawnErrorText } from './diagnosis';

const itAsRoot = process.getuid!() === 0 ? it : it.skip;
const NODE = process.execPath;

describe('diagnose', () => {
  let folder: string;
  beforeEach(() => (folder = temporaryFolder()));
  afterEach(cleanUp);

  function aFile(name: string, text: string, mode = 0o755): string {
    const file = join(folder, name);
    writeFileSync(file, text);
    chmodSync(file, mode);
    return file;
  }

  describe('of a real program that found its port in use', () => {
    it.each([
      ['node', (port: number) => `'${NODE}' -e 'require("net").createServer().listen(${port})'`],
      ['python', (port: number) => `python3 -c 'import socket; socket.create_server(("0.0.0.0", ${port}))'`],
    ])('%s', async (_, command) => {
      const { port } = await listen('0.0.0.0');
      const diagnosis = await diagnose(failureOf(command(port), { port }));
      expect(diagnosis).toMatchObject({
        cause: 'port_in_use',
        port,
        holder: { pid: process.pid, program: null, port },
      });
      expect(diagnosis.message).toMatch(`port ${port} already in use by pid ${process.pid} (`);
    });

    it('names the program that holds it', async () => {
      const server =
        'require("net").createServer().listen(0, "127.0.0.1", function () { console.log(this.address().port) })';
      const child = startChild(NODE, ['-e', server], { env: { HOODY_DAEMON_MARK: 's:1:hoody_web' } });
      const port = Number(await linesOf(child)());
      const failure = aFailure({
        stderr: [`listen tcp :${port}: bind: address already in use`],
        programOf: (mark) => (mark === 's:1:hoody_web' ? 'web' : null),
      });
      expect((await diagnose(failure)).message).toBe(
        `port ${port} already in use by program "web" (pid ${child.pid})`,
      );
    });

    it('goes by the port that the program names, which may be another than its own', async () => {
      const { port } = await listen();
      const stderr = [`Error: listen EADDRINUSE: address already in use 127.0.0.1:${port}`];
      expect(await diagnose(aFailure({ stderr, port: await freePort() }))).toMatchObject({
        port,
        holder: { port },
      });
    });

    it('reads standard output where the error is logged there', async () => {
      const { port } = await listen();
      const stdout = [`Web server failed to start. Port ${port} was already in use.`];
      expect(await diagnose(aFailure({ stdout }))).toMatchObject({ cause: 'port_in_use', port });
    });

    it('says so where the holder has gone meanwhile', async () => {
      const port = await freePort();
      expect(
        (await diagnose(aFailure({ stderr: ['OSError: [Errno 98] Address already in use'], port }))).message,
      ).toBe(`port ${port} already in use, though nobody listens on it now`);
    });

    it('does not blame a port for a unix socket', async () => {
      const stderr = ['Error: listen EADDRINUSE: address already in use /run/app.sock'];
      expect(await diagnose(aFailure({ stderr, port: 3000 }))).toMatchObject({
        cause: 'port_in_use',
        port: null,
      });
    });

    it('mentions the holder where the program exited without a word', async () => {
      const { port } = await listen();
      const { cause, message } = await diagnose(failureOf('exit 1', { port }));
      expect(cause).toBe('exited');
      expect(message).toMatch(
        /^exited with code 1 after (less than )?0\.\d s; port \d+ already in use by pid \d+ \(/,
      );
    });
  });

  describe('of a real command that could not be executed', () => {
    const SHELLS = ['/bin/sh', '/bin/bash'];
    const FORMS = ['', 'exec ', 'env ', 'true && ', 'setpriv '];

    describe.each(SHELLS)('%s', (shell) => {
      it.each(FORMS)('"%snodee": not found', async (form) => {
        expect(await diagnose(failureOf(`${form}nodee x`, {}, shell))).toEqual({
          cause: 'command_not_found',
          command: 'nodee',
          searched: TEST_PATH,
          message: `command "nodee" was not found; searched ${TEST_PATH}`,
        });
      });

      it.each(FORMS)('"%s./run": not executable', async (form) => {
        aFile('run', '#!/bin/sh\n', 0o644);
        expect(await diagnose(failureOf(`${form}./run`, { directory: folder }, shell))).toMatchObject({
          cause: 'not_executable',
          message: `${folder}/run is not executable (mode 0644); chmod +x it`,
        });
      });

      it.each(FORMS)('"%s./run": bad interpreter', async (form) => {
        aFile('run', '#!/usr/bin/pyton3\n');
        expect(await diagnose(failureOf(`${form}./run`, { directory: folder }, shell))).toMatchObject({
          cause: 'bad_interpreter',
          message: `${folder}/run needs the interpreter /usr/bin/pyton3, which does not exist`,
        });
      });

      it('a directory', async () => {
        expect((await diagnose(failureOf(folder, {}, shell))).message).toBe(
          `${folder} is a directory, not a program`,
        );
      });

      it('a binary for another machine', async () => {
        const file = aFile('app', '\x7fELF\x02\x01garbage');
        expect(await diagnose(failureOf(`${file} x`, {}, shell))).toMatchObject({
          cause: 'not_executable',
          path: file,
          why: 'format',
        });
      });

      it('a directory that is missing', async () => {
        expect(await diagnose(failureOf("cd '/no pe' || exit 127", {}, shell))).toMatchObject({
          cause: 'directory_missing',
          directory: '/no pe',
        });
      });

      itAsRoot('a directory that the user may not enter', async () => {
        mkdirSync(join(folder, 'locked'), { mode: 0o700 });
        expect(
          await diagnose(failureOf(`cd ${folder}/locked || exit 127`, { user: NOBODY }, shell)),
        ).toMatchObject({ cause: 'directory_not_accessible', blocked_by: `${folder}/locked` });
      });

      itAsRoot('a program that the user may not execute', async () => {
        const file = aFile('tool', '#!/bin/sh\n', 0o750);
        expect(await diagnose(failureOf(file, { user: NOBODY }, shell))).toMatchObject({
          cause: 'permission_denied',
          message: `user "nobody" may not execute ${file}`,
        });
      });
    });

    it('an interpreter that env does not find', async () => {
      const file = aFile('run', '#!/usr/bin/env pyton3\n');
      expect((await diagnose(failureOf(file))).message).toBe(
        `${file} needs the interpreter pyton3, which was not found; searched ${TEST_PATH}`,
      );
    });

    it('too large an environment', async () => {
      const failure = failureOf(`X=$(head -c 140000 /dev/zero | tr '\\0' x); export X; exec sleep 1`);
      expect((await diagnose(failure)).cause).toBe('argument_list_too_long');
    });

    it('is found out even if nothing was kept of what the shell said', async () => {
      expect((await diagnose(aFailure({ command: 'nodee', exitStatus: 127 }))).cause).toBe(
        'command_not_found',
      );
    });
  });

  describe('of a real program that came to another end', () => {
    it('exited with a code', async () => {
      expect(await diagnose({ ...failureOf('exit 3'), afterSeconds: 0.2 })).toEqual({
        cause: 'exited',
        exit_status: 3,
        after_seconds: 0.2,
        holder: null,
        message: 'exited with code 3 after 0.2 s',
      });
    });

    it('exited with the code of a child that was killed', async () => {
      const failure = failureOf("sh -c 'kill -SEGV $$'; exit $?");
      expect({ ...(await diagnose(failure)), after_seconds: 0 }).toMatchObject({
        cause: 'exited',
        exit_status: 139,
      });
      expect((await diagnose(failure)).message).toMatch(/^exited with code 139 \(128 \+ SIGSEGV\) after /);
    });

    it('was killed by a signal', async () => {
      expect(await diagnose({ ...failureOf('kill -KILL $$'), afterSeconds: 12.3 })).toEqual({
        cause: 'killed_by_signal',
        signal: 'SIGKILL',
        after_seconds: 12.3,
        core_dumped: false,
        message: 'was killed by SIGKILL after 12 s',
      });
      expect(
        (await diagnose(aFailure({ exitStatus: null, signal: 11, coreDumped: true, afterSeconds: 1.5 })))
          .message,
      ).toBe('was killed by SIGSEGV after 1.5 s (core dumped)');
    });

    it('was killed, whatever it had said before', async () => {
      const stderr = ['Error: listen EADDRINUSE: address already in use :::3000'];
      expect((await diagnose(aFailure({ exitStatus: null, signal: 'SIGTERM', stderr }))).cause).toBe(
        'killed_by_signal',
      );
    });

    it.each([
      { exitStatus: null, signal: 9 },
      // A shell whose command was killed.
      { exitStatus: 137, signal: null },
    ])('was killed by the kernel for lack of memory: %j', async (end) => {
      expect((await diagnose(aFailure({ ...end, kernelKilledForMemory: true }))).message).toBe(
        'was killed by the kernel for lack of memory after 0.2 s',
      );
      expect((await diagnose(aFailure({ ...end, kernelKilledForMemory: false }))).cause).not.toBe(
        'out_of_memory',
      );
    });

    it('ran out of its heap', async () => {
      const failure = failureOf(
        `exec '${NODE}' --max-old-space-size=16 -e 'for (a = [];;) a.push(new Array(1e5).fill(1))'`,
      );
      expect(failure.signal).toBe('SIGABRT');
      expect(await diagnose(failure)).toMatchObject({ cause: 'out_of_memory', by: 'program' });
    });

    it('had too many open files', async () => {
      const failure = failureOf(
        `ulimit -n 20; exec python3 -c '[open("/dev/null") for i in range(20)].x'; exit 1`,
      );
      expect((await diagnose(failure)).cause).toBe('too_many_open_files');
    });

    itAsRoot('had no permission for a file', async () => {
      const failure = failureOf(`exec python3 -c 'open("/etc/shadow")'`, {
        user: NOBODY,
        path: '/usr/bin:/bin',
      });
      expect((await diagnose(failure)).message).toBe('user "nobody" has no permission for /etc/shadow');
    });
  });

  describe('of a program that supervisord could not start', () => {
    it.each([
      [{ spawnError: "can't find command '/nope'" }, 'command "/nope" was not found: there is no such file'],
      [{ spawnError: 'something new' }, 'something new'],
      [{ spawnError: null }, 'supervisord could not start it and gave no reason'],
      [
        {
          exitStatus: 127,
          stderr: [
            "supervisor: couldn't chdir to /nope/dir: ENOENT",
            'supervisor: child process was not spawned',
          ],
        },
        'directory /nope/dir does not exist',
      ],
    ])('%j', async (fields, message) => {
      expect((await diagnose(aFailure({ exitStatus: null, ...fields }))).message).toBe(message);
    });

    it('goes by the exit status where supervisord only says that it ended', async () => {
      const spawnError = 'Exited too quickly (process log may have details)';
      expect((await diagnose(aFailure({ spawnError }))).message).toBe('exited with code 1 after 0.2 s');
    });
  });
});

describe('spawnErrorText', () => {
  const exited = diagnosisOf({ cause: 'exited', exit_status: 3, after_seconds: 4000, holder: null });
  const busy = diagnosisOf({ cause: 'port_in_use', port: 80, holder: null });

  it('says of a start that it failed', () => {
    expect(spawnErrorText(exited, 'start')).toBe('Failed to start: exited with code 3 after 67 min');
  });

  it('says of a program that ran how it ended', () => {
    expect(spawnErrorText(exited, 'run')).toBe('Exited with code 3 after 67 min');
    expect(spawnErrorText(busy, 'run')).toBe(
      'Exited: port 80 already in use, though nobody listens on it now',
    );
  });
});
