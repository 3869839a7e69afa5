import { busyPortIn, isAboutUnixSocket } from './busy-port-text';
import { diagnosisOf, type Diagnosis } from './diagnosis';
import { checkDirectory } from './directory-check';
import { cutLines, readFailure, readMemoryFailure, type ExecError, type TextFinding } from './failure-text';
import { resolve } from 'node:path';
import { portInUse, strangerOn } from './port-conflict';
import { checkCommand } from './preflight';
import { checkProgram } from './program-check';
import { directoryOf, searchPathOf, type RunFacts } from './run-facts';
import { signalName } from './signal-name';
import { otherSupervisordText, readSupervisordText } from './supervisord-text';

/** How a run ended, or why there was none. */
export interface FailureFacts extends RunFacts {
  /** null if it was killed by a signal, or never ran. */
  exitStatus: number | null;
  /** Number or name; null if it exited by itself. */
  signal: number | NodeJS.Signals | null;
  coreDumped: boolean;
  afterSeconds: number;
  /** supervisord's words, if it has any. */
  spawnError: string | null;
  /** The last lines of this run, 20 at most: an older run's would explain the wrong end. */
  stderr: readonly string[];
  /** Some programs complain on standard output; looked at where stderr says nothing. */
  stdout?: readonly string[];
  /** The kernel killed something for lack of memory at that time (see OomWatch). */
  kernelKilledForMemory?: boolean;
}

const MAX_LINES = 20;
/** Signals by which programs end themselves. Any other came from outside, whatever the program had said. */
const OWN_SIGNALS = new Set(['SIGABRT', 'SIGSEGV', 'SIGBUS', 'SIGILL', 'SIGTRAP', 'SIGFPE']);
const EXIT_BY_SIGKILL = 128 + 9;

/** Why the run failed. It looks at the system as it is now, so ask soon. Never throws on account of what it finds. */
export async function diagnose(failure: FailureFacts): Promise<Diagnosis> {
  const stderr = cutLines(failure.stderr.slice(-MAX_LINES));
  const spawn = readSpawnError(failure, stderr);
  if (spawn) return spawn;
  if (failure.signal !== null) return endBySignal(failure, stderr);
  if (failure.exitStatus === null) {
    const text = otherSupervisordText(failure.spawnError);
    return diagnosisOf({
      cause: 'spawn_error',
      text: text ?? 'supervisord could not start it and gave no reason',
    });
  }
  return endByExit(failure, failure.exitStatus, stderr);
}

/** supervisord's child writes to the program's own stderr what keeps it from executing the program. */
function readSpawnError({ spawnError, user }: FailureFacts, stderr: readonly string[]): Diagnosis | null {
  const own = stderr.filter((line) => line.startsWith('supervisor: ')).reverse();
  for (const text of [spawnError ?? '', ...own]) {
    const facts = readSupervisordText(text, user.name);
    if (facts) return diagnosisOf(facts);
  }
  return null;
}

function endBySignal(failure: FailureFacts, stderr: readonly string[]): Diagnosis {
  const { afterSeconds: after_seconds, coreDumped: core_dumped } = failure;
  const signal =
    typeof failure.signal === 'number'
      ? signalName(failure.signal, `signal ${failure.signal}`)
      : String(failure.signal);
  if (signal === 'SIGKILL' && failure.kernelKilledForMemory) {
    return diagnosisOf({ cause: 'out_of_memory', by: 'kernel', after_seconds, detail: null });
  }
  const detail = OWN_SIGNALS.has(signal) ? readMemoryFailure(stderr) : null;
  if (detail !== null) return diagnosisOf({ cause: 'out_of_memory', by: 'program', after_seconds, detail });
  return diagnosisOf({ cause: 'killed_by_signal', signal, after_seconds, core_dumped });
}

async function endByExit(
  failure: FailureFacts,
  exit_status: number,
  stderr: readonly string[],
): Promise<Diagnosis> {
  const after_seconds = failure.afterSeconds;
  if (exit_status === EXIT_BY_SIGKILL && failure.kernelKilledForMemory) {
    return diagnosisOf({ cause: 'out_of_memory', by: 'kernel', after_seconds, detail: null });
  }
  for (const lines of [stderr, cutLines((failure.stdout ?? []).slice(-MAX_LINES))]) {
    const finding = readFailure(lines, exit_status);
    if (finding) return explain(finding, lines, failure);
  }
  if (exit_status === 126 || exit_status === 127) {
    // Nothing was said, or nothing was kept.
    const problem =
      (await checkDirectory(directoryOf(failure), failure.user)) ?? (await checkCommand(failure));
    if (problem) return problem;
  }
  const holder = failure.port === 0 || exit_status === 0 ? null : await strangerOn(failure.port, failure);
  return diagnosisOf({ cause: 'exited', exit_status, after_seconds, holder });
}

async function explain(
  finding: TextFinding,
  lines: readonly string[],
  failure: FailureFacts,
): Promise<Diagnosis> {
  const user = failure.user.name;
  switch (finding.kind) {
    case 'exec_failed':
      return explainExec(finding.file, finding.error, failure);
    case 'cd_failed': {
      const directory = resolve(directoryOf(failure), finding.directory);
      const problem = await checkDirectory(directory, failure.user);
      if (problem) return problem;
      return finding.isDenied
        ? diagnosisOf({ cause: 'directory_not_accessible', directory, user, blocked_by: null })
        : diagnosisOf({ cause: 'directory_missing', directory, why: 'missing' });
    }
    case 'port_in_use': {
      const otherwise = failure.port === 0 || isAboutUnixSocket(lines) ? null : failure.port;
      const port = busyPortIn(lines) ?? otherwise;
      return portInUse(port, port === null ? null : await strangerOn(port, failure));
    }
    case 'listen_denied':
      return diagnosisOf({ cause: 'permission_denied', what: 'listen', port: finding.port, user });
    case 'open_denied':
      return diagnosisOf({
        cause: 'permission_denied',
        what: 'open',
        path: finding.path,
        user,
        blocked_by: null,
      });
    case 'out_of_memory':
      return diagnosisOf({
        cause: 'out_of_memory',
        by: 'program',
        after_seconds: failure.afterSeconds,
        detail: finding.detail,
      });
    case 'too_many_open_files':
      return diagnosisOf({ cause: 'too_many_open_files', by: 'program' });
    case 'argument_list_too_long':
      return diagnosisOf({ cause: 'argument_list_too_long' });
  }
}

/** The shell says little ("not found" for a missing interpreter too), so the file itself is looked at. */
async function explainExec(file: string, error: ExecError, failure: FailureFacts): Promise<Diagnosis> {
  const command = await checkCommand(failure);
  if (command?.cause === 'bad_interpreter') return command;
  const problem = await checkProgram(file, failure);
  if (problem) return problem;

  const path = file.includes('/') ? resolve(directoryOf(failure), file) : file;
  switch (error) {
    case 'missing':
      return diagnosisOf({
        cause: 'command_not_found',
        command: file,
        searched: file.includes('/') ? null : searchPathOf(failure),
      });
    case 'denied':
      return diagnosisOf({
        cause: 'permission_denied',
        what: 'execute',
        path,
        user: failure.user.name,
        blocked_by: null,
      });
    case 'directory':
    case 'format':
      return diagnosisOf({ cause: 'not_executable', path, why: error, mode: null });
  }
}
