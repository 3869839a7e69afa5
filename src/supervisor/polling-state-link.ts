import type { SupervisorState } from '../domain/states';
import { instanceOfGroup } from './instance';
import type { ProcessInfo, ProcessMirror } from './process-mirror';
import { processIdentity } from './process-identity';
import type { RpcClient } from './rpc-client';
import type { LinkContact, StateLink } from './state-link';

/** What supervisord's getAllProcessInfo tells of a process. Times in whole seconds. */
interface RpcProcessInfo {
  group: string;
  statename: SupervisorState;
  pid: number;
  exitstatus: number;
  spawnerr: string;
  start: number;
  stop: number;
}

const QUIET_INTERVAL_MS = 1000;
const BUSY_INTERVAL_MS = 100;
/** How long after `expectChanges` the states are asked for often. */
const BUSY_MS = 5000;
/** supervisord is left alone for this multiple of the time that the last answer took. */
const POLITENESS = 4;

/** Feeds the mirror by asking a supervisord that does not load the bridge: one question at a time. */
export class PollingStateLink implements StateLink {
  readonly mode = 'polling';
  private timer: NodeJS.Timeout | undefined;
  private isAsking = false;
  private busyUntil = 0;
  private lastPollTook = 0;
  private onLost: ((reason: string) => void) | null = null;

  constructor(
    private readonly rpc: RpcClient,
    private readonly mirror: ProcessMirror,
  ) {}

  async connect(onLost: (reason: string) => void): Promise<LinkContact> {
    this.close();
    const pid = await this.rpc.call<number>('supervisor.getPID');
    await this.poll();
    this.onLost = onLost;
    this.scheduleNext();
    return { epoch: processIdentity(pid) ?? `pid-${pid}`, pid };
  }

  expectChanges(): void {
    this.busyUntil = Date.now() + BUSY_MS;
    if (this.onLost && !this.isAsking) this.scheduleNext();
  }

  close(): void {
    this.onLost = null;
    clearTimeout(this.timer);
  }

  private scheduleNext(): void {
    const interval = Date.now() < this.busyUntil ? BUSY_INTERVAL_MS : QUIET_INTERVAL_MS;
    clearTimeout(this.timer);
    this.timer = setTimeout(
      () => void this.pollAndGoOn(),
      Math.max(interval, this.lastPollTook * POLITENESS),
    );
  }

  private async pollAndGoOn(): Promise<void> {
    const { onLost } = this;
    this.isAsking = true;
    try {
      await this.poll();
      if (this.onLost === onLost) this.scheduleNext();
    } catch (error) {
      if (this.onLost === onLost) onLost?.((error as Error).message);
    } finally {
      this.isAsking = false;
    }
  }

  private async poll(): Promise<void> {
    const began = Date.now();
    const answers = await this.rpc.call<RpcProcessInfo[]>('supervisor.getAllProcessInfo');
    this.lastPollTook = Date.now() - began;
    const ours = answers.filter((answer) => instanceOfGroup(answer.group));
    this.mirror.replace(ours.map(infoOf), Date.now());
  }
}

function infoOf(answer: RpcProcessInfo): ProcessInfo {
  const hasEnded = answer.stop >= answer.start && answer.stop > 0;
  // supervisord answers -1 for every signal; 0 as the number says that it is not known which.
  const bySignal = answer.exitstatus < 0;
  return {
    group: answer.group,
    state: answer.statename,
    pid: answer.pid || null,
    exit: hasEnded && !bySignal ? answer.exitstatus : null,
    signal: hasEnded && bySignal ? 0 : null,
    coreDumped: false,
    spawnError: answer.spawnerr || null,
    startedAt: answer.start ? answer.start * 1000 : null,
    stoppedAt: answer.stop ? answer.stop * 1000 : null,
  };
}
