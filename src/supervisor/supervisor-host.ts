import { join } from 'node:path';
import type { StatePaths } from '../config-store/state-paths';
import { endMarked } from '../process-table/end-marked';
import { markPrefix } from '../process-table/marked-processes';
import { SupervisorIdentity } from './supervisor-identity';

/** Between the stop signal and SIGKILL for what an old supervisord left behind. */
const LEFTOVER_GRACE_MS = 2000;

/** The supervisord process itself: where it is, whether it lives, who starts it. */
export abstract class SupervisorHost {
  abstract readonly isAttached: boolean;
  /** For RpcClient. */
  abstract readonly url: string;
  /** What the marks of our programs' processes begin with. */
  abstract readonly mark: string;
  /** The unix socket on which the service listens for the bridge. */
  readonly bridgeSocket: string;
  protected readonly identity: SupervisorIdentity;

  constructor(protected readonly paths: StatePaths) {
    this.identity = new SupervisorIdentity(paths);
    this.bridgeSocket = join(this.identity.socketDir, 'bridge.sock');
  }

  /** Where supervisord reads what it has to know of a program. */
  abstract groupFile(owner: string): string;

  /**
   * Makes sure that there is a supervisord to talk to; an embedded one is started when there is none, after
   * what the old one left behind was ended. @throws Error with the reason when there is none
   */
  abstract ensure(): Promise<void>;

  /** Brings back what a client needs to reach a supervisord that lives. Never throws. */
  abstract repairSocket(): void;

  /** Waits until the process is gone, after it was told to end. */
  abstract untilGone(timeoutMs: number): Promise<boolean>;

  /** Called at each contact with another start of supervisord than before. */
  async endLeftovers(): Promise<void> {
    await endMarked(markPrefix(`${this.identity.id}:`), { signal: 'SIGTERM', graceMs: LEFTOVER_GRACE_MS });
  }

  /** The start of supervisord that was last taken into use, also by an earlier run of the service. */
  lastEpoch(): string | null {
    return this.identity.epoch;
  }

  rememberEpoch(epoch: string): void {
    this.identity.update({ epoch });
  }
}
