import type { StatePaths } from '../config-store/state-paths';
import { MARK_VARIABLE } from '../process-table/process-mark';
import { groupName } from './instance';
import type { ProcessDefinition } from './process-definition';

/**
 * The INI text for one program: a group per instance, so that instances can be added, changed and removed
 * one by one. It holds generated text only; everything of the user's is in the launcher script.
 *
 * `setpriv` ends the process when supervisord dies; `env` gives it a clean environment, and back the
 * signals that Python, or whoever started the service, ignores.
 */
export function groupFileText(definition: ProcessDefinition, paths: StatePaths, mark: string): string {
  const shared = [
    // Also where it is the service's own: an attached supervisord may run as root.
    `user=${definition.user}`,
    'directory=/',
    'umask=022',
    'autostart=false',
    `autorestart=${definition.autorestart}`,
    'exitcodes=0',
    `startsecs=${definition.startSeconds}`,
    `startretries=${definition.startRetries}`,
    `stopsignal=${definition.stopSignal}`,
    `stopwaitsecs=${definition.stopSeconds}`,
    'stopasgroup=true',
    'killasgroup=true',
    `priority=${definition.priority}`,
  ];
  return definition.ports
    .map((port) => {
      const instance = { owner: definition.owner, port };
      const group = groupName(instance);
      return [
        `[program:${group}]`,
        'command=/usr/bin/setpriv --pdeathsig KILL /usr/bin/env -i --default-signal=PIPE,XFSZ,INT,QUIT,HUP,TERM ' +
          `${MARK_VARIABLE}=${mark}${group} /bin/sh -c '. ${paths.launcher(definition.owner)}' sh${port ? ` ${port}` : ''}`,
        ...shared,
        ...logLines(definition, 'stdout', paths.logFile(instance, 'stdout')),
        ...logLines(definition, 'stderr', paths.logFile(instance, 'stderr')),
        '',
      ].join('\n');
    })
    .join('\n');
}

function logLines(definition: ProcessDefinition, type: 'stdout' | 'stderr', file: string): string[] {
  if (!definition.logsEnabled) return [`${type}_logfile=NONE`];
  return [
    `${type}_logfile=${file}`,
    `${type}_logfile_maxbytes=${definition.logMaxBytes}`,
    `${type}_logfile_backups=${definition.logBackups}`,
  ];
}
