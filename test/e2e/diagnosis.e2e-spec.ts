import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { Service, temporaryFolder } from '../support/service';

const BUSY = 22200;
const SHARED = 22201;
const NEAR = 22202;

/** Each program really fails in the way that its title says. */
describe('a start that fails', () => {
  let service: Service;
  let holder: Server;
  const folder = temporaryFolder();
  const file = (name: string, text: string, mode = 0o755) => {
    const path = join(folder, name);
    writeFileSync(path, text);
    chmodSync(path, mode);
    return path;
  };
  const closed = join(folder, 'closed');

  beforeAll(async () => {
    mkdirSync(closed, { mode: 0o700 });
    writeFileSync(join(closed, 'run'), '#!/bin/sh\n', { mode: 0o755 });
    service = await Service.start();
    holder = createServer().listen(BUSY, '0.0.0.0');
    const id = await service.add({
      name: 'Holder',
      command: 'exec python3 -m http.server {{PORT}} --bind 127.0.0.1',
      directory: '/',
      port_range: { start: SHARED, end: SHARED },
    });
    await service.post(`programs/${id}/start`, { wait_for: 'port' });
  });
  afterAll(async () => {
    holder.close();
    await service.dispose();
  });

  const listen = (port: number) =>
    `exec python3 -c 'import socket; socket.create_server(("127.0.0.1", ${port}))'`;

  interface Failing {
    fields: Record<string, unknown>;
    diagnosis: Record<string, unknown>;
    error: RegExp;
    exitStatus: number;
    stderr?: RegExp;
  }

  const cases: [string, () => Failing][] = [
    [
      'its port is in use',
      () => ({
        fields: { command: 'exec python3 -m http.server {{PORT}}', port_range: { start: BUSY, end: BUSY } },
        diagnosis: {
          cause: 'port_in_use',
          port: BUSY,
          holder: { port: BUSY, pid: process.pid, program: null },
        },
        error: new RegExp(`port ${BUSY} already in use by pid ${process.pid} \\(.*(node|jest)`),
        exitStatus: 1,
        stderr: /Address already in use/,
      }),
    ],
    [
      'a port that it did not declare is in use by another program',
      () => ({
        fields: { command: listen(SHARED) },
        diagnosis: {
          cause: 'port_in_use',
          port: SHARED,
          holder: { program: 'holder', pid: expect.any(Number) },
        },
        error: /port 22201 already in use by program "holder" \(pid \d+\)/,
        exitStatus: 1,
        stderr: /Address already in use/,
      }),
    ],
    [
      'its command is not on the PATH',
      () => ({
        fields: { command: 'no-such-command --flag' },
        diagnosis: {
          cause: 'command_not_found',
          command: 'no-such-command',
          searched: expect.stringContaining('/usr/bin'),
        },
        error: /command "no-such-command" was not found; searched .*\/usr\/bin/,
        exitStatus: 0,
      }),
    ],
    [
      'a command inside a shell line is not there',
      () => ({
        fields: { command: 'cd / && no-such-command' },
        diagnosis: { cause: 'command_not_found', command: 'no-such-command' },
        error: /command "no-such-command" was not found/,
        exitStatus: 127,
        stderr: /not found/,
      }),
    ],
    [
      'its command is not executable',
      () => ({
        fields: { command: file('plain', '#!/bin/sh\n', 0o644) },
        diagnosis: { cause: 'not_executable', why: 'mode', mode: '0644' },
        error: /plain is not executable \(mode 0644\); chmod \+x it/,
        exitStatus: 0,
      }),
    ],
    [
      'its interpreter is missing',
      () => ({
        fields: { command: file('script', '#!/no/such/python\n') },
        diagnosis: { cause: 'bad_interpreter', interpreter: '/no/such/python' },
        error: /needs the interpreter \/no\/such\/python, which does not exist/,
        exitStatus: 0,
      }),
    ],
    [
      'its directory is missing',
      () => ({
        fields: { directory: '/no/such/folder' },
        diagnosis: { cause: 'directory_missing', directory: '/no/such/folder', why: 'missing' },
        error: /directory \/no\/such\/folder does not exist/,
        exitStatus: 0,
      }),
    ],
    [
      'its user may not enter its directory',
      () => ({
        fields: { directory: closed, user: 'nobody' },
        diagnosis: { cause: 'directory_not_accessible', directory: closed, user: 'nobody' },
        error: /user "nobody" may not enter directory/,
        exitStatus: 0,
      }),
    ],
    [
      'its user may not execute the command',
      () => ({
        fields: { command: join(closed, 'run'), user: 'nobody', directory: '/' },
        diagnosis: { cause: 'permission_denied', what: 'execute', user: 'nobody', blocked_by: closed },
        error: /user "nobody" may not execute .*run: .*closed does not let it through/,
        exitStatus: 0,
      }),
    ],
    [
      'it exits with a code',
      () => ({
        fields: { command: 'echo first >&2; echo second >&2; exit 3' },
        diagnosis: { cause: 'exited', exit_status: 3, after_seconds: expect.any(Number) },
        error: /exited with code 3 after (less than )?0\.\d s/,
        exitStatus: 3,
        stderr: /^first\nsecond$/,
      }),
    ],
    [
      'it exits with 0 too soon',
      () => ({
        fields: { command: 'true' },
        diagnosis: { cause: 'exited', exit_status: 0 },
        error: /exited with code 0 after/,
        exitStatus: 0,
      }),
    ],
    [
      'it is killed by a signal',
      () => ({
        fields: { command: "exec sh -c 'kill -KILL $$'" },
        diagnosis: { cause: 'killed_by_signal', signal: 'SIGKILL' },
        error: /was killed by SIGKILL after/,
        exitStatus: 137,
      }),
    ],
    [
      'it runs out of memory',
      () => ({
        fields: { command: "ulimit -v 200000; exec python3 -c 'b = bytearray(10**9)'" },
        diagnosis: { cause: 'out_of_memory', by: 'program', detail: expect.stringContaining('MemoryError') },
        error: /ran out of memory after .*MemoryError/,
        exitStatus: 1,
        stderr: /MemoryError/,
      }),
    ],
    [
      'it has too many open files',
      () => ({
        fields: { command: 'ulimit -n 8; exec python3 -c \'f = [open("/dev/null") for _ in range(20)]\'' },
        diagnosis: { cause: 'too_many_open_files', by: 'program' },
        error: /had too many open files; raise the limit/,
        exitStatus: 1,
        stderr: /Too many open files/,
      }),
    ],
  ];

  it.each(cases)('says so when %s', async (_, failing) => {
    const { fields, diagnosis, error, exitStatus, stderr = /^$/ } = failing();
    const id = await service.add({ start_seconds: 1, ...fields });
    const { status, body } = await service.post(`programs/${id}/start`);
    expect(status).toBe(422);
    expect(body).toMatchObject({
      success: false,
      code: 'START_FAILED',
      error: expect.stringMatching(error),
      status: 'FATAL',
      exit_status: exitStatus,
      stderr: expect.stringMatching(stderr),
      diagnosis: { ...diagnosis, message: expect.stringMatching(error) },
    });
    expect(body.error).toMatch(/^Failed to start: /);
    const shown = (await service.get(`status/${id}`)).body;
    expect(shown).toMatchObject({
      status: 'FATAL',
      pid: null,
      spawn_error: body.error,
      exit_status: exitStatus,
    });
    const { transitions } = (await service.get(`programs/${id}/history`)).body;
    expect(transitions[0]).toMatchObject({ to: 'FATAL', spawn_error: body.error });
    await service.post(`programs/remove/${id}`);
  });

  describe('leaves a spawn_error', () => {
    const flag = join(folder, 'may-run');
    let id: string;
    beforeAll(async () => {
      id = await service.add({ command: `[ -e ${flag} ] || exit 4; exec sleep 1000`, start_seconds: 1 });
    });

    async function fail() {
      expect((await service.post(`programs/${id}/start`)).body.code).toBe('START_FAILED');
    }
    const shown = async () => (await service.get(`status/${id}`)).body;

    it('that a stop clears', async () => {
      await fail();
      await service.post(`programs/${id}/stop`);
      expect(await shown()).toEqual({
        id,
        name: expect.any(String),
        status: 'STOPPED',
        pid: null,
        uptime: 0,
        exit_status: 4,
      });
    });

    it('that an edit clears', async () => {
      await fail();
      await service.post(`programs/edit/${id}`, { description: 'new' });
      const status = await shown();
      expect(status).toMatchObject({ status: 'STOPPED' });
      expect(status).not.toHaveProperty('spawn_error');
    });

    it('that a restart of the service keeps', async () => {
      await fail();
      const before = await shown();
      await service.end('SIGKILL');
      await service.start();
      expect(await shown()).toEqual(before);
    });

    it('that a good start clears', async () => {
      file('may-run', '');
      expect((await service.post(`programs/${id}/start`)).status).toBe(200);
      const status = await shown();
      expect(status).toMatchObject({ status: 'RUNNING', exit_status: 0 });
      expect(status).not.toHaveProperty('spawn_error');
    });

    it('also after a crash later on, with the words for a run that ended', async () => {
      const id = await service.add({
        command: "exec python3 -c 'import sys; sys.stdin.read(); input()' <" + join(folder, 'fifo'),
        autorestart: 'false',
      });
      execFileSync('mkfifo', [join(folder, 'fifo')]);
      const started = await service.post(`programs/${id}/start`);
      expect(started.body.status).toBe('RUNNING');
      process.kill((await service.get(`status/${id}`)).body.pid, 'SIGKILL');
      const crashed = await service.until(`status/${id}`, ({ status }) => status === 'FATAL');
      expect(crashed).toMatchObject({
        exit_status: 137,
        spawn_error: expect.stringMatching(/^Was killed by SIGKILL after/),
      });
    });
  });

  it('forgets the exit status of an earlier run when there was none this time', async () => {
    const id = await service.add({ command: 'exit 5', start_seconds: 1 });
    await service.post(`programs/${id}/start`);
    await service.post(`programs/edit/${id}`, { directory: '/no/such/folder' });
    const { body } = await service.post(`programs/${id}/start`);
    expect(body).toMatchObject({ code: 'START_FAILED', exit_status: 0 });
    expect((await service.get(`status/${id}`)).body.exit_status).toBe(0);
  });

  it('names each instance that failed, and those that started', async () => {
    const near = createServer().listen(NEAR, '0.0.0.0');
    try {
      const id = await service.add({
        command: 'exec python3 -m http.server {{PORT}}',
        port_range: { start: NEAR, end: NEAR + 2 },
        start_seconds: 1,
      });
      const { status, body } = await service.post(`programs/${id}/start`, { all: true });
      expect(status).toBe(422);
      expect(body).toMatchObject({
        code: 'START_FAILED',
        started_ports: [NEAR + 1, NEAR + 2],
        failed: [{ port: NEAR, error: expect.stringContaining(`port ${NEAR} already in use`) }],
      });
      for (const field of ['status', 'exit_status', 'stderr']) expect(body).not.toHaveProperty(field);
    } finally {
      near.close();
    }
  });
});
