import { messageOf } from './diagnosis-message';

export type DiagnosisCause =
  | 'port_in_use'
  | 'command_not_found'
  | 'not_executable'
  | 'bad_interpreter'
  | 'directory_missing'
  | 'directory_not_accessible'
  | 'user_not_found'
  | 'permission_denied'
  | 'exited'
  | 'killed_by_signal'
  | 'out_of_memory'
  | 'too_many_open_files'
  | 'spawn_error'
  | 'argument_list_too_long'
  | 'not_listening'
  | 'stopped';

/** Who listens on a port that a program needs. */
export interface HolderFacts {
  port: number;
  /** null if its process can't be seen (another user's, or in another container). */
  pid: number | null;
  uid: number;
  command: string | null;
  /** The name of the program it belongs to, if it is one of ours. */
  program: string | null;
}

/** What is known of a failure. Field names are as they may appear in the API. */
export type DiagnosisFacts =
  /** `port` is null where the program did not say which; `holder` where nobody listens on it now. */
  | { cause: 'port_in_use'; port: number | null; holder: HolderFacts | null }
  /** `searched` is the PATH, or null if the command is a path. */
  | { cause: 'command_not_found'; command: string; searched: string | null }
  /** `mode` in octal. */
  | { cause: 'not_executable'; path: string; why: 'mode' | 'directory' | 'format'; mode: string | null }
  /** `searched` is the PATH if the interpreter is looked up there, by `#!/usr/bin/env`. */
  | {
      cause: 'bad_interpreter';
      path: string;
      interpreter: string;
      why: 'missing' | 'denied';
      searched: string | null;
    }
  | { cause: 'directory_missing'; directory: string; why: 'missing' | 'not_a_directory' }
  /** `blocked_by` is the folder on the way to it that lets the user not through. */
  | { cause: 'directory_not_accessible'; directory: string; user: string; blocked_by: string | null }
  | { cause: 'user_not_found'; user: string }
  | {
      cause: 'permission_denied';
      what: 'execute' | 'open';
      path: string;
      user: string;
      blocked_by: string | null;
    }
  | { cause: 'permission_denied'; what: 'listen'; port: number; user: string }
  | { cause: 'permission_denied'; what: 'become_user'; user: string }
  /** `holder`: the program said nothing that explains it, but somebody else listens on its port. */
  | { cause: 'exited'; exit_status: number; after_seconds: number; holder: HolderFacts | null }
  | { cause: 'killed_by_signal'; signal: string; after_seconds: number; core_dumped: boolean }
  /** `detail`: what the program said of it. */
  | {
      cause: 'out_of_memory';
      by: 'kernel' | 'program' | 'spawn';
      after_seconds: number;
      detail: string | null;
    }
  | { cause: 'too_many_open_files'; by: 'program' | 'supervisord' }
  | { cause: 'spawn_error'; text: string }
  | { cause: 'argument_list_too_long' }
  | { cause: 'not_listening'; port: number }
  | { cause: 'stopped' };

/** Why a program did not start or did not go on, for machines (`cause` and its facts) and for people (`message`). */
export type Diagnosis = DiagnosisFacts & { message: string };

export function diagnosisOf(facts: DiagnosisFacts): Diagnosis {
  return { ...facts, message: messageOf(facts) };
}

/** `spawn_error` of the API: of a start that failed, or of a program that had been running. */
export function spawnErrorText({ cause, message }: Diagnosis, phase: 'start' | 'run'): string {
  if (phase === 'start') return `Failed to start: ${message}`;
  const tellsTheEnd = cause === 'exited' || cause === 'killed_by_signal' || cause === 'out_of_memory';
  return tellsTheEnd ? message.charAt(0).toUpperCase() + message.slice(1) : `Exited: ${message}`;
}
