import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StatePaths } from '../config-store/state-paths';

/**
 * Descriptors that supervisord asks for: five per process, so for about 1,600 of them. Every process that it
 * makes closes as many first, which costs time.
 */
const WANTED_DESCRIPTORS = 8192;

/** The configuration of the embedded supervisord; all of it is generated text. */
export function supervisordConfig(paths: StatePaths, socket: string, id: string): string {
  return `[unix_http_server]
file=${socket}
chmod=0600

[supervisord]
nodaemon=true
silent=true
nocleanup=true
identifier=hoody-daemon-${id}
${process.geteuid?.() === 0 ? 'user=root\n' : ''}directory=/
logfile=${join(paths.supervisor, 'supervisord.log')}
logfile_maxbytes=10MB
logfile_backups=2
pidfile=${join(paths.supervisor, 'supervisord.pid')}
childlogdir=${paths.logs}
minfds=${Math.min(WANTED_DESCRIPTORS, hardLimit())}

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[rpcinterface:hoody]
supervisor.rpcinterface_factory=hoody_bridge:make_bridge

[include]
files=${join(paths.groupFiles, '*.conf')}
`;
}

/** supervisord refuses to start when it may not have as many descriptors as it asks for. */
function hardLimit(): number {
  const limits = readFileSync('/proc/self/limits', 'utf8');
  return Number(/^Max open files\s+\S+\s+(\d+)/m.exec(limits)?.[1] ?? 1024);
}
