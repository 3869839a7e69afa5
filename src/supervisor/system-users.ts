import { execFile } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { promisify } from 'node:util';
import { DaemonError } from '../domain/errors';

export interface SystemUser {
  name: string;
  uid: number;
  gid: number;
  home: string;
  shell: string;
}

/** null when there is no such user. Looked up afresh each time: users come and go. */
export async function findUser(name: string): Promise<SystemUser | null> {
  return userIn(readFileSync('/etc/passwd', 'utf8'), name) ?? (await findInNameService(name));
}

/**
 * The user that a program may run as.
 * @throws DaemonError USER_NOT_FOUND; USER_NOT_ALLOWED when the service is not root and the user is not its own
 */
export async function requireUser(name: string): Promise<SystemUser> {
  const user = await findUser(name);
  if (!user) throw new DaemonError('USER_NOT_FOUND', `User "${name}" does not exist on this system.`);
  const uid = process.geteuid?.() ?? 0;
  if (uid !== 0 && user.uid !== uid)
    throw new DaemonError(
      'USER_NOT_ALLOWED',
      `Only root can run programs as other users; this service runs as uid ${uid}, so "${name}" can't be used.`,
    );
  return user;
}

/** Where programs of the user run when nothing else is said; "/" when the home does not exist, as at a login. */
export function homeOf(user: SystemUser): string {
  return statSync(user.home, { throwIfNoEntry: false })?.isDirectory() ? user.home : '/';
}

/** The supplementary groups of a user that /etc/group knows. */
export function groupsOf(name: string): number[] {
  return readFileSync('/etc/group', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .filter(([, , , members]) => members?.split(',').includes(name))
    .map(([, , gid]) => Number(gid));
}

/** LDAP and the like; `getent` also answers numbers and aliases, which supervisord would read differently. */
async function findInNameService(name: string): Promise<SystemUser | null> {
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.@-]*$/.test(name)) return null;
  try {
    const { stdout } = await promisify(execFile)('getent', ['passwd', name], { timeout: 5000 });
    return userIn(stdout, name);
  } catch {
    return null;
  }
}

function userIn(passwd: string, name: string): SystemUser | null {
  for (const line of passwd.split('\n')) {
    const [user, , uid, gid, , home, shell] = line.split(':');
    if (user === name && uid && gid)
      return { name, uid: Number(uid), gid: Number(gid), home: home || '/', shell: shell || '/bin/sh' };
  }
  return null;
}
