import type { SupervisorState } from '../domain/states';
import { daemonErrorOf, SupervisorFault } from './faults';
import { instanceOfGroup } from './instance';
import { processIdentity } from './process-identity';
import { isAlive, type ProcessInfo, type ProcessMirror } from './process-mirror';
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

interface RpcFault {
  faultCode: number;
  faultString: string;
}

interface Picture {
  pid: number;
  /** Names the supervisord that gave the picture. */
  epoch: string;
  processes: ProcessInfo[];
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
  /** Groups in which something was begun since the last question was put. */
  private readonly expected = new Set<string>();
  private epoch: string | null;

  /** @param lastEpoch what `connect` answered last, also in an earlier run of the service */
  constructor(
    private readonly rpc: RpcClient,
    private readonly mirror: ProcessMirror,
    lastEpoch: string | null,
  ) {
    this.epoch = lastEpoch;
  }

  async connect(onLost: (reason: string) => void): Promise<LinkContact> {
    this.close();
    const { pid, epoch, processes } = await this.ask();
    this.epoch = epoch;
    this.mirror.replace(processes, Date.now());
    this.onLost = onLost;
    this.scheduleNext();
    return { epoch, pid };
  }

  expectChanges(group?: string): void {
    if (group) this.expected.add(group);
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
    const begun = [...this.expected];
    this.expected.clear();
    const { epoch, processes } = await this.ask();
    if (epoch !== this.epoch) throw new Error('it was started anew');
    const now = Date.now();
    const seen = new Map(begun.map((group) => [group, this.mirror.get(group)]));
    this.mirror.replace(processes, now);
    // Times are whole seconds: two runs that came to the same end in the same second look alike.
    for (const info of processes)
      if (seen.has(info.group) && seen.get(info.group) === this.mirror.get(info.group))
        this.mirror.apply(info.group, info, now, true);
  }

  /** One request: a supervisord that was replaced between two would go unnoticed. */
  private async ask(): Promise<Picture> {
    const began = Date.now();
    const calls = ['supervisor.getPID', 'supervisor.getAllProcessInfo'];
    const [pid, answers] = await this.rpc.call<[number | RpcFault, RpcProcessInfo[] | RpcFault]>(
      'system.multicall',
      calls.map((methodName) => ({ methodName, params: [] })),
    );
    this.lastPollTook = Date.now() - began;
    for (const answer of [pid, answers])
      if (typeof answer === 'object' && 'faultCode' in answer)
        throw daemonErrorOf(new SupervisorFault(answer.faultCode, answer.faultString), 'tell its states');
    const processes = (answers as RpcProcessInfo[])
      .filter((answer) => instanceOfGroup(answer.group))
      .map(infoOf);
    return { pid: pid as number, epoch: this.epochOf(pid as number, processes), processes };
  }

  /** `supervisorctl reload` keeps the process, and everything in it begins anew. */
  private epochOf(pid: number, processes: ProcessInfo[]): string {
    const identity = processIdentity(pid) ?? `pid-${pid}`;
    if (this.epoch?.split('+')[0] !== identity) return identity;
    return this.wasReloaded(processes) ? `${identity}+${Date.now()}` : this.epoch;
  }

  private wasReloaded(processes: ProcessInfo[]): boolean {
    const ran = [...this.mirror.all()].filter(isAlive).map(({ group }) => group);
    const everStarted = new Set(
      processes.filter((info) => info.startedAt !== null).map((info) => info.group),
    );
    return ran.length > 0 && !ran.some((group) => everStarted.has(group));
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
