/** The supervisord process itself: where it is, whether it lives, who starts it. */
export interface SupervisorHost {
  readonly isAttached: boolean;
  /** For RpcClient. */
  readonly url: string;
  /** Where supervisord reads files about groups. */
  readonly groupFile: (owner: string) => string;
  /** The unix socket on which the service listens for the bridge. */
  readonly bridgeSocket: string;
  /** What the marks of our programs' processes begin with. */
  readonly mark: string;
  /**
   * Makes sure that there is a supervisord to talk to; an embedded one is started when there is none, after
   * what the old one left behind was ended. @throws Error with the reason when there is none
   */
  ensure(): Promise<void>;
  /** Brings a socket file back that somebody deleted. Cheap, and never throws. */
  repairSocket(): void;
  /** Called at each contact with another start of supervisord than before. */
  endLeftovers(): Promise<void>;
  /** The start of supervisord that was last taken into use, also by an earlier run of the service. */
  lastEpoch(): string | null;
  rememberEpoch(epoch: string): void;
  /** Waits until the process is gone, after it was told to end. */
  untilGone(timeoutMs: number): Promise<boolean>;
}
