import { otherSupervisordText, readSupervisordText } from './supervisord-text';

describe('the words of supervisord', () => {
  it.each([
    [
      "supervisor: couldn't chdir to /nope/dir: ENOENT",
      { cause: 'directory_missing', directory: '/nope/dir', why: 'missing' },
    ],
    [
      "supervisor: couldn't chdir to /root: EACCES",
      { cause: 'directory_not_accessible', directory: '/root', user: 'web', blocked_by: null },
    ],
    [
      "supervisor: couldn't setuid to 101: Can't drop privilege as nonroot user",
      { cause: 'permission_denied', what: 'become_user', user: 'web' },
    ],
    ["couldn't setuid to 101: Can't find uid 101", { cause: 'user_not_found', user: 'web' }],
    ['Invalid user name ghost', { cause: 'user_not_found', user: 'ghost' }],
    ["can't find command '/nope/bin'", { cause: 'command_not_found', command: '/nope/bin', searched: null }],
    [
      "command at '/opt/x' is not executable",
      { cause: 'not_executable', path: '/opt/x', why: 'mode', mode: null },
    ],
    [
      "supervisor: couldn't exec /opt/x: ENOEXEC",
      { cause: 'not_executable', path: '/opt/x', why: 'format', mode: null },
    ],
    ["too many open files to spawn 'web'", { cause: 'too_many_open_files', by: 'supervisord' }],
    [
      "unknown error during fork for 'web': ENOMEM",
      { cause: 'out_of_memory', by: 'spawn', after_seconds: 0, detail: null },
    ],
    [
      "unknown error making dispatchers for 'web': ENOENT",
      { cause: 'spawn_error', text: "supervisord can't open the log files (ENOENT)" },
    ],
    ["couldn't exec /bin/sh: E2BIG", { cause: 'argument_list_too_long' }],
    ['Exited too quickly (process log may have details)', null],
  ])('%j', (text, facts) => {
    expect(readSupervisordText(text, 'web')).toEqual(facts);
  });

  it('are kept where they are new, and dropped where they say nothing', () => {
    expect(otherSupervisordText(' something else ')).toBe('something else');
    expect(otherSupervisordText('Exited too quickly (process log may have details)')).toBeNull();
    expect(otherSupervisordText('Bad exit code 3')).toBeNull();
    expect(otherSupervisordText('')).toBeNull();
    expect(otherSupervisordText(null)).toBeNull();
  });
});
