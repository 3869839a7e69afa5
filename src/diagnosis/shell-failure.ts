import type { ExecError, TextFinding } from './failure-text';

/** How dash, bash, busybox, env, setpriv, nohup and timeout end a line about a command they can't execute. */
const ENDINGS: Readonly<Record<string, ExecError>> = {
  'not found': 'missing',
  'command not found': 'missing',
  'No such file or directory': 'missing',
  'No such file': 'missing',
  'required file not found': 'missing',
  'Permission denied': 'denied',
  'Is a directory': 'directory',
  'Exec format error': 'format',
};

/** Parts of a line that stand between the command and the reason. */
const FILLERS: ReadonlySet<string> = new Set([
  'cannot execute',
  'cannot execute binary file',
  'bad interpreter',
]);

const INTRODUCTION = /^(?:failed to execute|failed to run command|can't execute|cannot execute|cannot open) /;

/** Reads `sh: 1: exec: nodee: not found`, `env: ‘nodee’: No such file or directory`, `cd: can't cd to /x` and so on. */
export function shellFailure(line: string): TextFinding | null {
  const parts = line.split(': ');
  const last = parts.pop() ?? '';
  if (last.startsWith("can't cd to ")) {
    return { kind: 'cd_failed', directory: last.slice("can't cd to ".length), isDenied: false };
  }
  // zsh has it the other way round.
  if (parts.at(-1) === 'command not found') return { kind: 'exec_failed', file: last, error: 'missing' };
  if (last === 'Argument list too long') return { kind: 'argument_list_too_long' };

  const error = Object.hasOwn(ENDINGS, last) ? ENDINGS[last] : undefined;
  if (error === undefined) return null;
  const isInterpreter = parts.at(-1) === 'bad interpreter';
  while (FILLERS.has(parts.at(-1) ?? '')) parts.pop();
  // bash names the script, then the interpreter that it lacks.
  if (isInterpreter) parts.pop();
  const file = unquoted(parts.pop()?.replace(INTRODUCTION, '') ?? '');
  if (file === '' || parts.length === 0) return null;
  if (parts.at(-1) === 'cd') return { kind: 'cd_failed', directory: file, isDenied: error === 'denied' };
  return { kind: 'exec_failed', file, error };
}

function unquoted(text: string): string {
  return (
    /^(?:‘(.*)’|'(.*)'|"(.*)")$/s
      .exec(text)
      ?.slice(1)
      .find((inner) => inner !== undefined) ?? text
  );
}
