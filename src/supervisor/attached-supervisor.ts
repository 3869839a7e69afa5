import { join } from 'node:path';
import type { StatePaths } from '../config-store/state-paths';
import type { AttachedSupervisor as AttachedSettings } from '../settings/settings';
import { SupervisorHost } from './supervisor-host';

/** A supervisord that somebody else runs: it is never started or ended here, and only our own groups are touched. */
export class AttachedSupervisor extends SupervisorHost {
  readonly isAttached = true;
  readonly url: string;

  constructor(
    private readonly settings: AttachedSettings,
    paths: StatePaths,
  ) {
    super(paths);
    this.url = settings.url;
  }

  get mark(): string {
    return `${this.identity.id}:attached:`;
  }

  groupFile(owner: string): string {
    return join(this.settings.confDir, `hoody-${owner}.conf`);
  }

  /** Whoever owns it starts it. */
  async ensure(): Promise<void> {}

  repairSocket(): void {}

  untilGone(): Promise<boolean> {
    return Promise.resolve(false);
  }
}
