import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isOnPath, readOrNull, root, run, SetupError } from './command.mjs';

const venv = join(root, '.supervisor-venv');

/** A supervisord to run programs with: by apt-get where we may, else in a Python environment of our own. */
export const supervisord = {
  isDue: () => !isAttached() && !process.env.DAEMON_SUPERVISORD && !isInVenv() && !isOnPath('supervisord'),

  async run() {
    const problems = [];
    for (const install of [installWithApt, installInVenv]) {
      try {
        if (await install()) return;
      } catch (error) {
        if (!(error instanceof SetupError)) throw error;
        problems.push(error.output, error.message);
      }
    }
    throw new SetupError(
      'Cannot find supervisord or install it: run "apt-get install supervisor" as root, ' +
        'or set DAEMON_SUPERVISORD to its path, then try again.',
      problems.join('\n'),
    );
  },
};

/** A service that attaches to somebody else's supervisord needs none; the tests always do. */
function isAttached() {
  return process.env.npm_lifecycle_event === 'prestart' && Boolean(process.env.DAEMON_SUPERVISOR_URL);
}

/** False when the checkout was moved or its Python is gone: the script names its interpreter by full path. */
function isInVenv() {
  const script = readOrNull(join(venv, 'bin', 'supervisord'));
  return Boolean(script?.includes(join(venv, 'bin', 'python')) && existsSync(join(venv, 'bin', 'python3')));
}

async function installWithApt() {
  if (!isOnPath('apt-get')) return false;
  const asRoot = process.getuid() === 0 ? [] : (await hasPasswordlessSudo()) ? ['sudo', '-n'] : null;
  if (!asRoot) return false;
  console.log('Installing supervisord with apt-get.');
  const [file, ...args] = [...asRoot, 'sh', join(import.meta.dirname, 'install-supervisor.sh')];
  await run("install Debian's supervisor", file, args);
  return isOnPath('supervisord');
}

async function hasPasswordlessSudo() {
  if (!isOnPath('sudo')) return false;
  return run('use sudo without a password', 'sudo', ['-n', 'true']).then(
    () => true,
    () => false,
  );
}

async function installInVenv() {
  if (!isOnPath('python3')) return false;
  console.log('Installing supervisord into .supervisor-venv.');
  rmSync(venv, { recursive: true, force: true });
  await run('create .supervisor-venv', 'python3', ['-m', 'venv', venv]);
  const pipInstall = ['-m', 'pip', 'install', '--quiet', 'supervisor==4.3.0'];
  await run('install supervisor from PyPI', join(venv, 'bin', 'python3'), pipInstall);
  return isInVenv();
}
