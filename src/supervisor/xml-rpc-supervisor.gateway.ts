import { Logger } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import type { StatePaths } from '../config-store/state-paths';
import { BridgeStateLink } from './bridge-state-link';
import { daemonErrorOf, FAULT, isFault, unreachable } from './faults';
import { GroupRegistry } from './group-registry';
import { groupName, type Instance } from './instance';
import { PollingStateLink } from './polling-state-link';
import type { ProcessDefinition } from './process-definition';
import { ProcessMirror } from './process-mirror';
import { RpcClient } from './rpc-client';
import type { StateLink } from './state-link';
import { SupervisorGateway, type MirrorMode } from './supervisor-gateway';
import type { SupervisorHost } from './supervisor-host';

const FIRST_RETRY_MS = 50;
const LONGEST_RETRY_MS = 2000;
const GONE_WITHIN_MS = 20_000;

/** Talks to supervisord through the npm client `supervisord` and, where it is loaded, the bridge plugin. */
export class XmlRpcSupervisorGateway extends SupervisorGateway {
  readonly mirror = new ProcessMirror();
  private readonly logger = new Logger('Supervisor');
  private readonly rpc: RpcClient;
  private readonly bridge: BridgeStateLink;
  private readonly polling: PollingStateLink;
  private link: StateLink;
  private readonly registry: GroupRegistry;
  private readonly contactListeners: ((isNew: boolean) => Promise<void>)[] = [];
  private readonly closing = new AbortController();
  private knownEpoch: string | null = null;
  private problem: string | null = 'it has not been contacted yet';

  constructor(
    private readonly host: SupervisorHost,
    paths: StatePaths,
  ) {
    super();
    this.rpc = new RpcClient(host.url, () => host.repairSocket());
    this.bridge = new BridgeStateLink(this.rpc, host.bridgeSocket, this.mirror);
    this.polling = new PollingStateLink(this.rpc, this.mirror, host.lastEpoch());
    this.link = this.bridge;
    this.registry = new GroupRegistry(this.rpc, host, paths, this.mirror, () => this.link);
  }

  get mode(): MirrorMode {
    return this.link.mode;
  }

  get epoch(): string | null {
    return this.knownEpoch;
  }

  get isAttached(): boolean {
    return this.host.isAttached;
  }

  get trouble(): string | null {
    return this.problem;
  }

  requireConnection(): void {
    if (this.problem !== null) throw unreachable(this.problem);
  }

  onContact(listener: (isNew: boolean) => Promise<void>): void {
    this.contactListeners.push(listener);
  }

  async open(): Promise<void> {
    await new Promise<void>((resolve) => void this.keepContact(resolve));
  }

  async close(): Promise<void> {
    this.closing.abort();
    this.link.close();
    this.rpc.dropConnections();
    await Promise.resolve();
  }

  async shutdown(): Promise<void> {
    this.closing.abort();
    this.link.close();
    await this.rpc.call('supervisor.shutdown').catch(() => undefined);
    if (!(await this.host.untilGone(GONE_WITHIN_MS)))
      this.logger.warn(`supervisord is still there ${GONE_WITHIN_MS / 1000} s after it was told to end`);
    this.rpc.dropConnections();
    await this.host.endLeftovers();
  }

  async register(definition: ProcessDefinition): Promise<void> {
    this.requireConnection();
    await this.registry.register(definition);
  }

  async check(definition: ProcessDefinition): Promise<void> {
    this.requireConnection();
    await this.registry.check(definition);
  }

  async unregister(owner: string): Promise<boolean> {
    this.requireConnection();
    return await this.registry.unregister(owner);
  }

  removeStaleFiles(owners: ReadonlySet<string>): void {
    this.registry.removeStaleFiles(owners);
  }

  definition(owner: string): ProcessDefinition | undefined {
    return this.registry.definition(owner);
  }

  async startProcess(instance: Instance): Promise<void> {
    await this.registry.repairFiles(instance.owner);
    // A process that has ended already is answered with SPAWN_ERROR; its state tells what became of it.
    const harmless = [FAULT.ALREADY_STARTED, FAULT.SPAWN_ERROR, FAULT.ABNORMAL_TERMINATION];
    await this.command(instance, 'start', 'supervisor.startProcess', [false], ...harmless);
  }

  async stopProcess(instance: Instance): Promise<void> {
    await this.command(
      instance,
      'stop',
      'supervisor.stopProcess',
      [false],
      FAULT.NOT_RUNNING,
      FAULT.BAD_NAME,
    );
  }

  async signalProcess(instance: Instance, signal: string): Promise<void> {
    await this.command(
      instance,
      'signal',
      'supervisor.signalProcess',
      [signal],
      FAULT.NOT_RUNNING,
      FAULT.BAD_NAME,
    );
  }

  async forgetEnd(instance: Instance): Promise<boolean> {
    this.requireConnection();
    try {
      await this.registry.renew(groupName(instance));
      return true;
    } catch (error) {
      if (isFault(error, FAULT.STILL_RUNNING)) return false;
      throw daemonErrorOf(error, `reset "${instance.owner}"`);
    }
  }

  markOf(instance: Instance): string {
    return this.host.mark + groupName(instance);
  }

  private async command(
    instance: Instance,
    verb: string,
    method: string,
    args: unknown[],
    ...harmless: number[]
  ): Promise<void> {
    this.requireConnection();
    const group = groupName(instance);
    this.link.expectChanges();
    try {
      await this.rpc.call(method, `${group}:${group}`, ...args);
    } catch (error) {
      if (!isFault(error, ...harmless)) throw daemonErrorOf(error, `${verb} "${instance.owner}"`);
    }
    this.link.expectChanges(group);
  }

  /** Makes contact, waits until it is lost, makes contact again. */
  private async keepContact(onFirstResult: () => void): Promise<void> {
    let retryMs = FIRST_RETRY_MS;
    while (!this.closing.signal.aborted) {
      const lost = withResolver<string>();
      try {
        await this.host.ensure();
        await this.makeContact(lost.resolve);
        retryMs = FIRST_RETRY_MS;
        onFirstResult();
        const reason = await Promise.race([lost.promise, aborted(this.closing.signal)]);
        if (this.closing.signal.aborted) return;
        this.logger.warn(`Contact with supervisord was lost: ${reason}`);
        this.problem = reason;
        this.mirror.setConnected(false);
      } catch (error) {
        if (this.closing.signal.aborted) return;
        this.report(error);
        this.mirror.setConnected(false);
        onFirstResult();
        await delay(retryMs, undefined, { signal: this.closing.signal }).catch(() => undefined);
        retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS);
      }
    }
  }

  private async makeContact(onLost: (reason: string) => void): Promise<void> {
    const { epoch } = await this.connectLink(onLost);
    const isNew = epoch !== this.host.lastEpoch();
    if (isNew) {
      this.registry.forgetAll();
      if (this.isAttached) await this.host.endLeftovers();
    }
    this.knownEpoch = epoch;
    this.problem = null;
    this.mirror.setConnected(true);
    for (const listener of this.contactListeners) await listener(isNew);
    if (isNew) this.host.rememberEpoch(epoch);
    this.logger.log(`In contact with supervisord (${this.mode})`);
  }

  private async connectLink(onLost: (reason: string) => void): Promise<{ epoch: string }> {
    this.link.close();
    try {
      this.link = this.bridge;
      return await this.bridge.connect(onLost);
    } catch (error) {
      if (!isFault(error, FAULT.UNKNOWN_METHOD)) throw error;
      this.link = this.polling;
      return await this.polling.connect(onLost);
    }
  }

  private report(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    if (reason !== this.problem) this.logger.error(`supervisord can't be reached: ${reason}`);
    this.problem = reason;
  }
}

function withResolver<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((r) => (resolve = r));
  return { promise, resolve };
}

function aborted(signal: AbortSignal): Promise<string> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve('closing'), { once: true }));
}
