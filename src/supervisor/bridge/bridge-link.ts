import type { BridgeEvent, BridgeHello, BridgeSnapshot } from './bridge-protocol';
import { BridgeSession } from './bridge-session';

export type * from './bridge-protocol';

/** Makes one XML-RPC call, for instance `call('hoody.hello', [])`; rejects on a fault. */
export type BridgeCall = (method: string, args: unknown[]) => Promise<unknown>;

/** `closed`: supervisord hung up. `silent`: it answers no ping. `damaged`: a gap or an unreadable line. */
export type BridgeLoss = 'closed' | 'silent' | 'damaged';

export interface BridgePosition {
  epoch: string;
  seq: number;
}

/** The callbacks must not throw. */
export interface BridgeLinkOptions {
  /** Where supervisord connects to. Removed and made anew by each `connect`; its folder must be private. */
  socketPath: string;
  call: BridgeCall;
  /** The events missed since the position given to `connect`; always followed by `onSnapshot`. */
  onReplay(this: void, events: BridgeEvent[]): void;
  onSnapshot(this: void, snapshot: BridgeSnapshot): void;
  onEvent(this: void, event: BridgeEvent): void;
  /** Once for each connection that was up; then nothing more happens until `connect` is called. */
  onLost(this: void, reason: BridgeLoss, detail: string): void;
  /** Default 2,000. */
  pingEveryMs?: number;
  /** Default 5,000. */
  answerWithinMs?: number;
  /** Default 10,000, from the call of `connect` to the snapshot. */
  connectWithinMs?: number;
}

const LONGEST_SOCKET_PATH = 107;

/**
 * The service's end of the bridge: supervisord connects to our socket and writes every event there.
 * When and how often to connect again is the caller's decision.
 */
export class BridgeLink {
  private session?: BridgeSession;
  private lastPosition?: BridgePosition;

  /** @throws Error when the socket path is too long for the system */
  constructor(private readonly options: BridgeLinkOptions) {
    const { socketPath } = options;
    if (Buffer.byteLength(socketPath) > LONGEST_SOCKET_PATH) {
      throw new Error(
        `Cannot listen on "${socketPath}": a socket path may have ${LONGEST_SOCKET_PATH} bytes.`,
      );
    }
  }

  get isUp(): boolean {
    return this.session?.isUp ?? false;
  }

  get epoch(): string | undefined {
    return this.position?.epoch;
  }

  /** Up to here every event of the epoch has arrived; it stays after a loss, for the next `connect`. */
  get seq(): number | undefined {
    return this.position?.seq;
  }

  /**
   * Resolves after `onSnapshot`. An earlier connection or attempt ends first, without `onLost`.
   *
   * @param resume where the known events end; what followed is replayed when supervisord still has it
   * @throws the rejection of `call`, or an Error that says why there is no connection
   */
  connect(resume?: BridgePosition): Promise<BridgeHello> {
    this.close();
    this.session = new BridgeSession(this.options, resume);
    return this.session.open();
  }

  /** Ends the connection without `onLost`; a pending `connect` rejects. */
  close(): void {
    this.lastPosition = this.position;
    this.session?.close();
    this.session = undefined;
  }

  private get position(): BridgePosition | undefined {
    return this.session?.position ?? this.lastPosition;
  }
}
