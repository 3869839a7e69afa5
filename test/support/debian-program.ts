import { execFileSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';

/**
 * A program of Debian's that a test drives. As root it is installed when it is missing; where that can't be done
 * the test fails, because a test that is left out proves nothing.
 */
export function debianProgram(path: string, aptPackage: string): string {
  if (isThere(path)) return path;
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (...args: string[]) =>
    execFileSync('apt-get', ['-q', '-o', 'DPkg::Lock::Timeout=240', ...args], { env, stdio: 'pipe' });
  try {
    apt('update');
    apt('install', '-y', '--no-install-recommends', aptPackage);
  } catch (error) {
    throw new Error(`This test needs ${path}. Install it as root: apt-get install ${aptPackage}`, {
      cause: error,
    });
  }
  if (!isThere(path)) throw new Error(`The Debian package ${aptPackage} holds no ${path}.`);
  return path;
}

function isThere(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
