import type { DiagnosisFacts, HolderFacts } from './diagnosis';
import { signalName } from './signal-name';

/** The words for a person: what happened, and where it is not plain, what to do. No prefix, no full stop. */
export function messageOf(facts: DiagnosisFacts): string {
  switch (facts.cause) {
    case 'port_in_use':
      return portInUse(facts.port, facts.holder);
    case 'command_not_found':
      return facts.searched === null
        ? `command "${facts.command}" was not found: there is no such file`
        : `command "${facts.command}" was not found; searched ${facts.searched || 'nothing, as PATH is empty'}`;
    case 'not_executable':
      return notExecutable(facts);
    case 'bad_interpreter':
      return badInterpreter(facts);
    case 'directory_missing':
      return facts.why === 'missing'
        ? `directory ${shown(facts.directory)} does not exist`
        : `directory ${shown(facts.directory)} is not a directory`;
    case 'directory_not_accessible':
      return `user "${facts.user}" may not enter directory ${shown(facts.directory)}${blockedBy(facts.blocked_by, facts.directory)}`;
    case 'user_not_found':
      return `user "${facts.user}" does not exist`;
    case 'permission_denied':
      return permissionDenied(facts);
    case 'exited':
      return exited(facts);
    case 'killed_by_signal':
      return `was killed by ${facts.signal} after ${duration(facts.after_seconds)}${facts.core_dumped ? ' (core dumped)' : ''}`;
    case 'out_of_memory':
      return outOfMemory(facts);
    case 'too_many_open_files':
      return facts.by === 'program'
        ? 'had too many open files; raise the limit (ulimit -n) or look for files that are never closed'
        : 'supervisord has too many open files; raise its limit (ulimit -n, minfds)';
    case 'spawn_error':
      return facts.text;
    case 'argument_list_too_long':
      return 'the command line and the environment are too long together; one value may have 128 KiB at most';
    case 'not_listening':
      return `nothing listens on port ${facts.port}`;
    case 'stopped':
      return 'it was stopped while it was starting';
  }
}

type FactsOf<C extends DiagnosisFacts['cause']> = Extract<DiagnosisFacts, { cause: C }>;

function portInUse(port: number | null, holder: HolderFacts | null): string {
  if (port === null) return 'an address that it listens on is already in use';
  if (holder === null) return `port ${port} already in use, though nobody listens on it now`;
  return `port ${port} already in use by ${holderName(holder)}`;
}

function holderName({ pid, uid, command, program }: HolderFacts): string {
  if (program !== null) return `program "${program}"${pid === null ? '' : ` (pid ${pid})`}`;
  if (pid === null) return `a process that can't be seen from here (user id ${uid})`;
  return `pid ${pid}${command === null ? '' : ` (${command})`}`;
}

function notExecutable({ path, why, mode }: FactsOf<'not_executable'>): string {
  if (why === 'directory') return `${shown(path)} is a directory, not a program`;
  if (why === 'format')
    return `${shown(path)} can't be run on this machine (exec format error): it is neither a program for it nor a script with a #! line`;
  return `${shown(path)} is not executable${mode === null ? '' : ` (mode ${mode})`}; chmod +x it`;
}

function badInterpreter({ path, interpreter, why, searched }: FactsOf<'bad_interpreter'>): string {
  const needs = `${shown(path)} needs the interpreter ${shown(interpreter)}`;
  if (interpreter.endsWith('\r'))
    return `${needs}, which does not exist: the file has Windows line breaks; convert it`;
  if (why === 'denied') return `${needs}, which its user may not execute`;
  return searched === null
    ? `${needs}, which does not exist`
    : `${needs}, which was not found; searched ${searched}`;
}

function permissionDenied(facts: FactsOf<'permission_denied'>): string {
  switch (facts.what) {
    case 'execute':
      return `user "${facts.user}" may not execute ${shown(facts.path)}${blockedBy(facts.blocked_by, facts.path)}`;
    case 'open':
      return `user "${facts.user}" has no permission for ${shown(facts.path)}`;
    case 'listen':
      return `user "${facts.user}" may not listen on port ${facts.port}${facts.port < 1024 ? '; ports below 1024 need root' : ''}`;
    case 'become_user':
      return `supervisord may not run programs as user "${facts.user}", because it does not run as root`;
  }
}

function blockedBy(folder: string | null, path: string): string {
  return folder === null || folder === path ? '' : `: ${shown(folder)} does not let it through`;
}

function exited({ exit_status, after_seconds, holder }: FactsOf<'exited'>): string {
  // A shell reports the end of its command by signal N as 128 + N.
  const signal = exit_status > 128 ? signalName(exit_status - 128, null) : null;
  const status = `exited with code ${exit_status}${signal === null ? '' : ` (128 + ${signal})`}`;
  const port = holder === null ? '' : `; ${portInUse(holder.port, holder)}`;
  return `${status} after ${duration(after_seconds)}${port}`;
}

function outOfMemory({ by, after_seconds, detail }: FactsOf<'out_of_memory'>): string {
  if (by === 'kernel') return `was killed by the kernel for lack of memory after ${duration(after_seconds)}`;
  if (by === 'spawn') return 'there was not enough memory to start it';
  return `ran out of memory after ${duration(after_seconds)}${detail === null ? '' : ` (${detail})`}`;
}

/** "less than 0.1 s", "0.2 s", "12 s", "5 min", "3 h". */
function duration(seconds: number): string {
  if (seconds < 0.1) return 'less than 0.1 s';
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3600)} h`;
}

/** A path as it is, or in quotes if it holds anything that the eye could miss. */
function shown(path: string): string {
  return /^[\p{L}\p{N}_@%+:,./~=-]+$/u.test(path) ? path : JSON.stringify(path);
}
