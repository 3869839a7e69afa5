import { StatePaths } from '../config-store/state-paths';
import { groupFileText } from './group-file';
import type { ProcessDefinition } from './process-definition';

const DEFINITION: ProcessDefinition = {
  ...{ owner: 'web', ports: [0], command: '%(ENV_X)s ;#', user: 'app', directory: null, environment: {} },
  ...{ autorestart: 'unexpected', startSeconds: 1, startRetries: 3, stopSignal: 'INT', stopSeconds: 10 },
  ...{ priority: 5, logsEnabled: true, logMaxBytes: 1000, logBackups: 2 },
};

function text(change: Partial<ProcessDefinition>): string {
  return groupFileText({ ...DEFINITION, ...change }, new StatePaths('/state'), 'id:epoch:');
}

describe('groupFileText', () => {
  it('holds generated text only', () => {
    expect(text({})).toBe(`[program:hoody_web]
command=/usr/bin/setpriv --pdeathsig KILL /usr/bin/env -i --default-signal=PIPE,XFSZ,INT,QUIT,HUP,TERM HOODY_DAEMON_MARK=id:epoch:hoody_web /bin/sh -c '. /state/launch/web.sh' sh
user=app
directory=/
umask=022
autostart=false
autorestart=unexpected
exitcodes=0
startsecs=1
startretries=3
stopsignal=INT
stopwaitsecs=10
stopasgroup=true
killasgroup=true
priority=5
stdout_logfile=/state/logs/web.stdout.log
stdout_logfile_maxbytes=1000
stdout_logfile_backups=2
stderr_logfile=/state/logs/web.stderr.log
stderr_logfile_maxbytes=1000
stderr_logfile_backups=2
`);
  });

  it('makes a group of each port, and hands the port to the launcher', () => {
    const groups = text({ ports: [3000, 3001] });
    expect(groups.match(/^\[.*\]$/gm)).toEqual(['[program:hoody_web_3000]', '[program:hoody_web_3001]']);
    expect(groups).toContain("/bin/sh -c '. /state/launch/web.sh' sh 3001\n");
  });

  it('keeps nothing of the output when logs are off', () => {
    expect(text({ logsEnabled: false })).toMatch(/stdout_logfile=NONE\nstderr_logfile=NONE\n$/);
  });
});
