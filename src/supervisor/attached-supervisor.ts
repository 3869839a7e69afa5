import { join } from 'node:path';
import type { StatePaths } from '../config-store/state-paths';
import { endMarked } from '../process-table/end-marked';
import { markPrefix } from '../process-table/marked-processes';
import type { AttachedSupervisor as AttachedSettings } from '../settings/settings';
import type { SupervisorHost } from './supervisor-host';
import { SupervisorIdentity } from './supervisor-identity';

const LEFTOVER_GRACE_MS = 2000;

/** A supervisord that somebody else runs: it is never started or ended here, and only our own groups are touched. */
export class AttachedSupervisor implements SupervisorHost {
  readonly isAttached = true;
  readonly url: string;
  readonly bridgeSocket: string;
  private readonly identity: SupervisorIdentity;

  constructor(
    private readonly settings: AttachedSettings,
    paths: StatePaths,
  ) {
    this.identity = new SupervisorIdentity(paths);
    this.url = settings.url;
    this.bridgeSocket = join(this.identity.socketDir, 'bridge.sock');
  }

  groupFile = (owner: string): string => join(this.settings.confDir, `hoody-${owner}.conf`);

  get mark(): string {
    return `${this.identity.id}:attached:`;
  }

  /** Whoever owns it starts it. */
  async ensure(): Promise<void> {}

  repairSocket(): void {}

  async endLeftovers(): Promise<void> {
    await endMarked(markPrefix(`${this.identity.id}:`), { signal: 'SIGTERM', graceMs: LEFTOVER_GRACE_MS });
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
