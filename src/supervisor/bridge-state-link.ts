import {
  BridgeLink,
  type BridgeEvent,
  type BridgeSnapshot,
  type BridgeStateEvent,
} from './bridge/bridge-link';
import { instanceOfGroup } from './instance';
import type { ProcessInfo, ProcessMirror } from './process-mirror';
import type { RpcClient } from './rpc-client';
import type { LinkContact, StateLink } from './state-link';

/** Feeds the mirror with what the bridge plugin in supervisord pushes: every transition, at once. */
export class BridgeStateLink implements StateLink {
  readonly mode = 'bridge';
  private readonly link: BridgeLink;
  private onLost: (reason: string) => void = () => undefined;

  constructor(
    rpc: RpcClient,
    socketPath: string,
    private readonly mirror: ProcessMirror,
  ) {
    this.link = new BridgeLink({
      socketPath,
      call: (method, args) => rpc.call(method, ...args),
      onReplay: (events) => events.forEach((event) => this.apply(event)),
      onSnapshot: (snapshot) => this.replace(snapshot),
      onEvent: (event) => this.apply(event),
      onLost: (_, detail) => this.onLost(detail),
    });
  }

  async connect(onLost: (reason: string) => void): Promise<LinkContact> {
    this.onLost = onLost;
    const { epoch, seq } = this.link;
    const hello = await this.link.connect(
      epoch !== undefined && seq !== undefined ? { epoch, seq } : undefined,
    );
    return { epoch: hello.epoch, pid: hello.pid };
  }

  /** Changes are pushed anyway. */
  expectChanges(): void {}

  close(): void {
    this.link.close();
  }

  private apply(event: BridgeEvent): void {
    switch (event.type) {
      case 'state':
        if (instanceOfGroup(event.group)) this.mirror.apply(event.group, infoOf(event), event.time);
        break;
      case 'pid': {
        const info = this.mirror.get(event.group);
        if (info) this.mirror.apply(event.group, { ...info, pid: event.pid }, event.time);
        break;
      }
      case 'group':
        if (!instanceOfGroup(event.group)) break;
        this.mirror.apply(
          event.group,
          event.action === 'added' ? neverStarted(event.group) : null,
          event.time,
        );
        break;
      case 'supervisor':
        break;
    }
  }

  private replace(snapshot: BridgeSnapshot): void {
    const infos = snapshot.processes
      .filter(([group]) => instanceOfGroup(group))
      .map(([group, , state, pid, exit, signal, spawnError, startedAt, stoppedAt]) => ({
        ...neverStarted(group),
        ...{ state, pid, exit, signal, spawnError, startedAt, stoppedAt },
      }));
    this.mirror.replace(infos, snapshot.time);
  }
}

function infoOf(event: BridgeStateEvent): ProcessInfo {
  return {
    group: event.group,
    state: event.to,
    pid: event.pid,
    exit: event.exit,
    signal: event.signal,
    coreDumped: event.core,
    spawnError: event.spawnerr,
    startedAt: event.start,
    stoppedAt: event.stop,
  };
}

function neverStarted(group: string): ProcessInfo {
  return {
    group,
    state: 'STOPPED',
    pid: null,
    exit: null,
    signal: null,
    coreDumped: false,
    spawnError: null,
    startedAt: null,
    stoppedAt: null,
  };
}
