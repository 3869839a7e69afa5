import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  lchownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';
import { Service, temporaryFolder } from '../support/service';

const NOBODY = 65534;
const DAEMON = 1;
const isRoot = process.getuid?.() === 0;

/** Runs a script as that user. @returns its output, whatever its exit status */
function asUser(uid: number, script: string): string {
  const who = [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', '--reset-env'];
  return execFileSync('setpriv', [...who, 'sh', '-c', `(${script}) 2>&1; true`], {
    cwd: '/',
    encoding: 'utf8',
  });
}

function everythingIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name));
}

const modeOf = (path: string) => (lstatSync(path).mode & 0o7777).toString(8);
const quoted = (paths: string[]) => paths.map((path) => `'${path}'`).join(' ');

// Without root there is but one user, and so nobody to keep out.
(isRoot ? describe : describe.skip)('the files of a service that runs as root', () => {
  let service: Service;
  const inState = (...parts: string[]) => join(service.stateDir, ...parts);

  beforeAll(async () => {
    service = await Service.start({ env: { DAEMON_TOKEN: 'token-of-the-owner' } });
    const headers = { authorization: 'Bearer token-of-the-owner' };
    for (const user of ['nobody', 'daemon', 'root'])
      await service.post(
        'programs/add',
        {
          name: `of ${user}`,
          command: 'echo started; exec sleep 1000',
          user,
          directory: '/',
          start_seconds: 0,
          environment: { PASSWORD: 'secret' },
        },
        { ...headers, 'idempotency-key': user },
      );
    for (const user of ['nobody', 'daemon', 'root']) {
      const { body } = await service.post(`programs/of-${user}/start`, {}, headers);
      expect(body).toMatchObject({ success: true });
    }
    const options = { command: 'exec sleep 1000', user: 'nobody', directory: '/' };
    await service.post('quick-start', options, headers);
  });
  afterAll(() => service.dispose());

  it('can be listed, read and written by no other user, but for his own launcher', () => {
    const paths = [service.stateDir, ...everythingIn(service.stateDir)];
    expect(paths.length).toBeGreaterThan(20);
    const accessible = (uid: number) =>
      asUser(uid, `for f in ${quoted(paths)}; do [ -r "$f" ] && echo "$f"; [ -w "$f" ] && echo "w $f"; done`)
        .split('\n')
        .filter(Boolean)
        .sort();
    const ownedBy = (uid: number) => paths.filter((path) => lstatSync(path).uid === uid).sort();

    expect(accessible(DAEMON)).toEqual([inState('launch', 'of-daemon.sh')]);
    expect(accessible(NOBODY)).toEqual(ownedBy(NOBODY));
    expect(ownedBy(NOBODY)).toEqual([
      expect.stringMatching(/launch\/eph-\w{12}\.sh$/),
      inState('launch', 'of-nobody.sh'),
    ]);
  });

  it('have exact modes', () => {
    const folders = new Map([
      ['', '711'],
      ['launch', '711'],
      ['logs', '700'],
      ['supervisor', '700'],
      ['supervisor/conf.d', '700'],
    ]);
    for (const path of [service.stateDir, ...everythingIn(service.stateDir)]) {
      const name = path.slice(service.stateDir.length + 1);
      const isLauncher = name.startsWith('launch/');
      const expected = folders.get(name) ?? (isLauncher ? '500' : '600');
      expect([name, modeOf(path)]).toEqual([name, expected]);
      if (!isLauncher) expect([name, lstatSync(path).uid]).toEqual([name, 0]);
    }
    expect(lstatSync(inState('supervisor', 'supervisor.sock')).isSocket()).toBe(true);
  });

  it('can not be made, replaced, removed or linked by the user of a program', () => {
    const before = everythingIn(service.stateDir).sort();
    const target = inState('launch', 'of-nobody.sh');
    asUser(
      NOBODY,
      `for d in ${quoted(['', 'launch', 'logs', 'supervisor', 'supervisor/conf.d'].map((name) => inState(name)))}; do
         touch "$d/new"; mkdir "$d/folder"; ln -s /etc/passwd "$d/link"; ln /etc/hostname "$d/hard"; mkfifo "$d/pipe"
       done
       rm -f '${target}'; mv '${target}' '${inState('launch', 'moved')}'; ln '${target}' /tmp/hoody-hard-link
       ln -sf /etc/passwd '${target}'; rm -f '${inState('launch', 'of-daemon.sh')}'`,
    );
    // A user can link to what is his own, elsewhere; it leads the service nowhere.
    rmSync('/tmp/hoody-hard-link', { force: true });
    expect(everythingIn(service.stateDir).sort()).toEqual(before);
    expect(lstatSync(target).isFile()).toBe(true);
  });

  it("a launcher that its owner has changed, or made huge, is the service's again at the next edit", async () => {
    const headers = { authorization: 'Bearer token-of-the-owner' };
    const launcher = inState('launch', 'of-nobody.sh');
    asUser(
      NOBODY,
      `chmod 777 '${launcher}'; echo 'touch /tmp/owned' > '${launcher}'; truncate -s 5G '${launcher}'`,
    );
    expect(lstatSync(launcher).size).toBe(5 * 1024 ** 3);
    const edit = { command: 'exec sleep 1001', restart: true };
    const { body } = await service.post('programs/edit/of-nobody', edit, headers);
    expect(body).toMatchObject({ success: true });
    expect(modeOf(launcher)).toBe('500');
    expect(readFileSync(launcher, 'utf8')).toMatch(/^exec sleep 1001$/m);
  });

  it('are private from their first instant, launchers under load too', async () => {
    const headers = { authorization: 'Bearer token-of-the-owner' };
    const folder = inState('launch');
    const wider = new Set<string>();
    let looks = 0;
    let isBusy = true;
    const look = async () => {
      for (; isBusy; await turn()) {
        for (const name of readdirSync(folder)) {
          const stat = lstatSync(join(folder, name), { throwIfNoEntry: false });
          looks++;
          if (stat && (stat.mode & 0o277) !== 0) wider.add(`${name} ${(stat.mode & 0o777).toString(8)}`);
        }
      }
    };
    const add = async (i: number) => {
      const fields = { name: `busy ${i}`, command: `exec sleep ${i}`, user: i % 2 ? 'nobody' : 'daemon' };
      await service.post('programs/add', fields, headers);
      await service.post(`programs/edit/busy-${i}`, { command: `exec sleep ${i + 1}` }, headers);
    };
    const watching = look();
    // Another process, too: the service's own turns are not the only moments.
    const other = spawn('sh', ['-c', `while :; do find '${folder}' -type f -perm /0277; done`]);
    let found = '';
    other.stdout.setEncoding('utf8').on('data', (text: string) => (found += text));
    await Promise.all(Array.from({ length: 40 }, (_, i) => add(i)));
    isBusy = false;
    await watching;
    other.kill('SIGKILL');
    expect(looks).toBeGreaterThan(100);
    expect([...wider]).toEqual([]);
    expect(found).toBe('');
  });

  it('no descriptor of the service or of supervisord is open in a program', async () => {
    const headers = { authorization: 'Bearer token-of-the-owner' };
    const { body } = await service.get('status/of-root', headers);
    const open = readdirSync(`/proc/${body.pid}/fd`);
    expect(open.sort()).toEqual(['0', '1', '2']);
  });

  it("nothing of the service's environment, and no way to supervisord, is in a program's or in supervisord's", async () => {
    const headers = { authorization: 'Bearer token-of-the-owner' };
    for (const id of ['of-root', 'of-daemon']) {
      const { body } = await service.get(`status/${id}`, headers);
      const environment = readFileSync(`/proc/${body.pid}/environ`, 'utf8');
      expect(environment).toContain('PASSWORD=secret');
      expect(environment).not.toMatch(
        /token-of-the-owner|(?<!HOODY_)DAEMON_|SUPERVISOR_|PYTHON|supervisor\.sock/,
      );
    }
    const environment = readFileSync(`/proc/${service.supervisorPid}/environ`, 'utf8');
    expect(environment).not.toMatch(/token-of-the-owner|(?<!HOODY_)DAEMON_/);
    const commandLines = readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map((pid) => (existsSync(`/proc/${pid}/cmdline`) ? readFileSafely(`/proc/${pid}/cmdline`) : ''));
    expect(commandLines.join('\n')).not.toMatch(/PASSWORD=secret|token-of-the-owner/);
  });

  it('are out of reach for a program of another user while it runs', async () => {
    const headers = { authorization: 'Bearer token-of-the-owner' };
    const command = `ls '${service.stateDir}' '${inState('logs')}'; cat '${inState('programs.json')}' '${inState('launch', 'of-daemon.sh')}'; echo x >> '${inState('logs', 'x')}'`;
    const fields = { command, user: 'nobody', directory: '/', wait_for_exit: true };
    const { body } = await service.post('quick-start', fields, headers);
    expect(body.stdout).toBe('');
    expect(body.stderr.match(/ermission denied/g)).toHaveLength(5);
  });
});

(isRoot ? describe : describe.skip)('a state directory that is not ours alone', () => {
  let folder: string;
  beforeEach(() => void (folder = temporaryFolder()));
  afterEach(() => rmSync(folder, { recursive: true }));

  const refused = async (stateDir: string) => {
    const service = new Service({ stateDir });
    // Where it is not refused, it must not run on.
    const { code, output } = await Promise.race([
      service.startToFail(),
      delay(10_000, { code: 'none: it runs', output: '' }, { ref: false }),
    ]);
    await service.dispose();
    expect([code, output.trim().split('\n').length]).toEqual([1, 1]);
    return output;
  };

  it("is refused when it is another user's link", async () => {
    const target = join(folder, 'target');
    const link = join(folder, 'state');
    mkdirSync(target);
    symlinkSync(target, link);
    lchownSync(link, NOBODY, NOBODY);
    expect(await refused(link)).toMatch(/symbolic link of another user/);
    expect(readdirSync(target)).toEqual([]);
  });

  it('is refused when it belongs to another user', async () => {
    const state = join(folder, 'state');
    mkdirSync(state);
    lchownSync(state, NOBODY, NOBODY);
    expect(await refused(state)).toMatch(/belongs to another user/);
  });

  it.each(['', 'launch', 'logs', 'supervisor'])(
    'is refused when others can write to "%s" in it',
    async (name) => {
      const state = join(folder, 'state');
      mkdirSync(join(state, name), { recursive: true });
      chmodSync(join(state, name), 0o777);
      expect(await refused(state)).toMatch(/can be written by other users/);
    },
  );

  it.each(['launch', 'logs'])(
    'is refused when "%s" in it is a link to a folder of another user',
    async (name) => {
      const state = join(folder, 'state');
      const target = join(folder, 'target');
      mkdirSync(state);
      mkdirSync(target);
      lchownSync(target, NOBODY, NOBODY);
      symlinkSync(target, join(state, name));
      expect(await refused(state)).toMatch(/belongs to another user/);
      expect(readdirSync(target)).toEqual([]);
    },
  );

  it('a file of it that is readable for all is private once it is written', async () => {
    const state = join(folder, 'state');
    mkdirSync(state, { mode: 0o711 });
    writeFileSync(join(state, 'programs.json'), '[]', { mode: 0o644 });
    const service = await Service.start({ stateDir: state });
    try {
      await service.add();
      expect(modeOf(join(state, 'programs.json'))).toBe('600');
    } finally {
      await service.dispose();
    }
  });
});

function readFileSafely(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
