import { join } from 'node:path';
import { fileStem, type Instance } from '../supervisor/instance';

export type LogType = 'stdout' | 'stderr';

/** Where everything lies in the state directory. */
export class StatePaths {
  constructor(readonly root: string) {}

  readonly programs = join(this.root, 'programs.json');
  readonly ephemeral = join(this.root, 'ephemeral.json');
  readonly journal = join(this.root, 'events.ndjson');
  readonly idempotency = join(this.root, 'idempotency.json');
  readonly lock = join(this.root, 'lock');
  /** Logs of programs. Never deleted under supervisord: a missing log directory breaks it. */
  readonly logs = join(this.root, 'logs');
  /** Launcher scripts. Users of programs reach their own through it. */
  readonly launchers = join(this.root, 'launch');
  /** supervisord's own files: configuration, socket, pid, log. */
  readonly supervisor = join(this.root, 'supervisor');
  readonly groupFiles = join(this.supervisor, 'conf.d');

  /** The current log file of an instance; supervisord rotates it to `….1`, `….2` and so on. */
  logFile(instance: Instance, type: LogType): string {
    return join(this.logs, `${fileStem(instance)}.${type}.log`);
  }

  launcher(owner: string): string {
    return join(this.launchers, `${owner}.sh`);
  }

  backup(time: string): string {
    return join(this.root, `programs.backup-${time}.json`);
  }
}
