import { hasPort, instancePorts } from '../domain/port-range';
import type { Autorestart, EphemeralProgram, Program, StopSignal } from '../domain/program';

/** What supervisord has to know about a program; its instances share it. Durations in seconds, sizes in bytes. */
export interface ProcessDefinition {
  /** Program id or temporary id. */
  owner: string;
  /** One instance each; [0] for a program without a port. */
  ports: number[];
  /** A POSIX shell command line; `{{PORT}}` stands for the instance's port. */
  command: string;
  user: string;
  /** null: the user's home. */
  directory: string | null;
  environment: Record<string, string>;
  autorestart: Autorestart;
  startSeconds: number;
  startRetries: number;
  stopSignal: StopSignal;
  stopSeconds: number;
  priority: number;
  logsEnabled: boolean;
  logMaxBytes: number;
  logBackups: number;
}

export function definitionOf(program: Program): ProcessDefinition {
  return {
    owner: program.id,
    ports: instancePorts(program.port_range),
    command:
      program.port_param === null ? program.command : `${program.command} ${program.port_param} {{PORT}}`,
    user: program.user,
    directory: program.directory,
    environment: program.environment,
    autorestart: program.autorestart,
    startSeconds: program.start_seconds,
    startRetries: program.start_retries,
    stopSignal: program.stop_signal,
    stopSeconds: program.stop_seconds,
    priority: program.priority,
    logsEnabled: program.logs_enabled,
    logMaxBytes: program.log_max_bytes,
    logBackups: program.log_backups,
  };
}

/** Ephemeral programs count as RUNNING from the first moment and are never restarted. */
export function definitionOfEphemeral(program: EphemeralProgram): ProcessDefinition {
  return {
    owner: program.temporary_id,
    ports: hasPort(program.port_range) ? [program.port_range.start] : [0],
    command: program.command,
    user: program.user,
    directory: program.directory,
    environment: program.environment,
    autorestart: 'false',
    startSeconds: 0,
    startRetries: 0,
    stopSignal: program.stop_signal,
    stopSeconds: program.stop_seconds,
    priority: 999,
    logsEnabled: true,
    logMaxBytes: program.log_max_bytes,
    logBackups: 1,
  };
}
