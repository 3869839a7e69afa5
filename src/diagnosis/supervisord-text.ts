import type { DiagnosisFacts } from './diagnosis';

interface SupervisordRule {
  pattern: RegExp;
  facts: (match: RegExpExecArray, user: string) => DiagnosisFacts;
}

/** What supervisord says itself when a spawn fails: in `spawnerr`, or in the program's stderr. */
const RULES: readonly SupervisordRule[] = [
  {
    pattern: /couldn't chdir to (.{1,4096}): (\w+)/,
    facts: ([, directory = '', error], user) =>
      error === 'EACCES' || error === 'EPERM'
        ? { cause: 'directory_not_accessible', directory, user, blocked_by: null }
        : { cause: 'directory_missing', directory, why: error === 'ENOTDIR' ? 'not_a_directory' : 'missing' },
  },
  {
    pattern: /couldn't setuid to \S+: (.*)/,
    facts: ([, reason = ''], user) =>
      reason.startsWith("Can't find uid")
        ? { cause: 'user_not_found', user }
        : { cause: 'permission_denied', what: 'become_user', user },
  },
  {
    pattern: /Invalid user name (\S+)/,
    facts: ([, user = '']) => ({ cause: 'user_not_found', user }),
  },
  {
    pattern: /can't find command '(.{1,4096})'/,
    facts: ([, command = '']) => ({ cause: 'command_not_found', command, searched: null }),
  },
  {
    pattern: /couldn't exec (.{1,4096}): ENOENT/,
    facts: ([, command = '']) => ({ cause: 'command_not_found', command, searched: null }),
  },
  {
    pattern: /command at '(.{1,4096})' is not executable|couldn't exec (.{1,4096}): EACCES/,
    facts: (match) => ({
      cause: 'not_executable',
      path: match[1] ?? match[2] ?? '',
      why: 'mode',
      mode: null,
    }),
  },
  {
    pattern: /couldn't exec (.{1,4096}): ENOEXEC/,
    facts: ([, path = '']) => ({ cause: 'not_executable', path, why: 'format', mode: null }),
  },
  {
    pattern: /couldn't exec .{1,4096}: E2BIG/,
    facts: () => ({ cause: 'argument_list_too_long' }),
  },
  {
    pattern: /too many open files to spawn|error making dispatchers for .{1,300}: EMFILE/,
    facts: () => ({ cause: 'too_many_open_files', by: 'supervisord' }),
  },
  {
    pattern: /error during fork for .{1,300}: ENOMEM/,
    facts: () => ({ cause: 'out_of_memory', by: 'spawn', after_seconds: 0, detail: null }),
  },
  {
    pattern: /Too many processes in process table|error during fork for .{1,300}: EAGAIN/,
    facts: () => ({
      cause: 'spawn_error',
      text: 'there are too many processes; raise the limit of processes (ulimit -u, the pids limit of the container)',
    }),
  },
  {
    pattern: /error making dispatchers for .{1,300}: (\w+)/,
    facts: ([, error = '']) => ({
      cause: 'spawn_error',
      text: `supervisord can't open the log files (${error})`,
    }),
  },
];

/** It says these of every program that ended; the exit status and the signal say more. */
const SAYS_NOTHING = /Exited too quickly|Bad exit code|exited normally/i;

export function readSupervisordText(text: string, user: string): DiagnosisFacts | null {
  for (const { pattern, facts } of RULES) {
    const match = pattern.exec(text);
    if (match) return facts(match, user);
  }
  return null;
}

/** The text as it is, if it says anything. */
export function otherSupervisordText(text: string | null): string | null {
  const trimmed = text?.trim() ?? '';
  return trimmed === '' || SAYS_NOTHING.test(trimmed) ? null : trimmed;
}
