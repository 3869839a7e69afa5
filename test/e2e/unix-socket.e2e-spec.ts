import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, readFileSync, rmSync, symlinkSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { send } from '../support/raw-http';
import { Service, temporaryFolder } from '../support/service';

const HEALTH = '/api/v1/daemon/health';
const modeOf = (path: string) => lstatSync(path).mode & 0o777;

let folder: string;
let path: string;
let service: Service;

beforeEach(() => {
  folder = temporaryFolder();
  path = join(folder, 'daemon.sock');
  service = new Service({ env: { DAEMON_SOCKET: path } });
});
afterEach(async () => {
  await service.dispose();
  rmSync(folder, { recursive: true });
});

it('is there for its owner alone from the first instant, and curl talks through it', async () => {
  const umask = process.umask(0);
  const modes = new Set<number>();
  const look = () => existsSync(path) && modes.add(modeOf(path));
  const watcher = watch(folder, look);
  let isStarting = true;
  try {
    const started = service.start().finally(() => (isStarting = false));
    for (; isStarting; await turn()) look();
    await started;
  } finally {
    process.umask(umask);
    watcher.close();
  }
  expect([...modes]).toEqual([0o600]);
  expect(lstatSync(path).isSocket()).toBe(true);
  // No TCP port beside it.
  expect(listeningPortsOf(service.pid)).toEqual([]);

  const curl = (...args: string[]) =>
    execFileSync('curl', ['-s', '--unix-socket', path, ...args], { encoding: 'utf8' });
  expect(JSON.parse(curl(`http://localhost${HEALTH}`))).toMatchObject({ status: 'healthy' });
  const program = JSON.stringify({ name: 'web', command: 'sleep 1000', user: 'root', start_seconds: 0 });
  const added = curl('--json', program, 'http://localhost/api/v1/daemon/programs/add');
  expect(JSON.parse(added)).toMatchObject({ success: true });
  // No page can reach it, so any name will do.
  expect(JSON.parse(curl('http://whatever/api/v1/daemon/programs'))).toContainEqual(
    expect.objectContaining({ id: 'web' }),
  );
});

(process.getuid?.() === 0 ? it : it.skip)('can not be opened by another user', async () => {
  await service.start();
  const asNobody = () =>
    execFileSync(
      'setpriv',
      [
        '--reuid=65534',
        '--regid=65534',
        '--clear-groups',
        'curl',
        '-sS',
        '--unix-socket',
        path,
        `http://localhost${HEALTH}`,
      ],
      { stdio: 'pipe' },
    );
  expect(asNobody).toThrow(/ermission denied|Couldn't connect|connect to/);
});

it('goes with the service, and what a crash left is replaced', async () => {
  await service.start();
  await service.end();
  expect(existsSync(path)).toBe(false);
  await service.start();
  await service.end('SIGKILL');
  const left = lstatSync(path).ino;
  expect(left).toBeGreaterThan(0);
  await service.start();
  expect((await send(service.address, { path: HEALTH })).status).toBe(200);
});

it('makes folders with the usual modes although its socket is private', async () => {
  await service.start();
  expect(modeOf(join(service.stateDir, 'launch'))).toBe(0o711);
  expect(modeOf(join(service.stateDir, 'logs'))).toBe(0o700);
});

describe('a path that something else has', () => {
  const refused = async () => {
    const { code, output } = await service.startToFail();
    expect([code, output.trim().split('\n').length]).toEqual([1, 1]);
    return output;
  };

  it('is left alone when it is a file', async () => {
    writeFileSync(path, 'precious');
    expect(await refused()).toMatch(/^DAEMON_SOCKET: .* is no socket/);
    expect(readFileSync(path, 'utf8')).toBe('precious');
  });

  it('is left alone when it is a link to one', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, 'precious');
    symlinkSync(file, path);
    expect(await refused()).toMatch(/is no socket/);
    expect(readFileSync(file, 'utf8')).toBe('precious');
  });

  it('is left alone when another service answers on it', async () => {
    const first = await Service.start({ env: { DAEMON_SOCKET: path } });
    try {
      expect(await refused()).toMatch(/another process listens/);
      expect((await send(first.address, { path: HEALTH })).status).toBe(200);
    } finally {
      await first.dispose();
    }
  });

  it('is named when its folder is missing', async () => {
    service = new Service({ env: { DAEMON_SOCKET: join(folder, 'no', 'd.sock') } });
    expect(await refused()).toMatch(/does not exist/);
  });
});

function listeningPortsOf(pid: number): string[] {
  const inodes = execFileSync(
    'sh',
    ['-c', `ls -l /proc/${pid}/fd | sed -n 's/.*socket:.\\([0-9]*\\).*/\\1/p'`],
    {
      encoding: 'utf8',
    },
  ).split('\n');
  return ['tcp', 'tcp6']
    .flatMap((table) => readFileSync(`/proc/${pid}/net/${table}`, 'utf8').trim().split('\n').slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === '0A' && inodes.includes(fields[9]!))
    .map((fields) => fields[1]!);
}
