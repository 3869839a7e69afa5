import { join } from 'node:path';
import type { StatePaths } from '../config-store/state-paths';
import type { MarkedProcesses } from '../process-table/marked-processes';
import type { AttachedSupervisor as AttachedSettings } from '../settings/settings';
import type { SupervisorHost } from './supervisor-host';
import { SupervisorIdentity } from './supervisor-identity';

const LEFTOVER_GRACE_MS = 2000;

/** A supervisord that somebody else runs: it is never started or ended here, and only our own groups are touched. */
export class AttachedSupervisor implements SupervisorHost {
  readonly isAttached = true;
  readonly url: string;
  readonly bridgeSocket: string;
  readonly mark: string;
  private readonly identity: SupervisorIdentity;

  constructor(
    private readonly settings: AttachedSettings,
    paths: StatePaths,
    private readonly marked: MarkedProcesses,
  ) {
    this.identity = new SupervisorIdentity(paths);
    this.url = settings.url;
    this.bridgeSocket = join(this.identity.socketDir, 'bridge.sock');
    this.mark = `${this.identity.id}:`;
  }

  groupFile = (owner: string): string => join(this.settings.confDir, `hoody-${owner}.conf`);

  /** Whoever owns it starts it. */
  async ensure(): Promise<void> {}

  async endLeftovers(): Promise<void> {
    await this.marked.end((process) => process.mark.startsWith(this.mark), {
      signal: 'SIGTERM',
      graceMs: LEFTOVER_GRACE_MS,
    });
  }

  lastEpoch(): string | null {
    return this.identity.epoch;
  }

  rememberEpoch(epoch: string): void {
    this.identity.update({ epoch });
  }

  untilGone(): Promise<boolean> {
    return Promise.resolve(false);
  }
}
