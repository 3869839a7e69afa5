import { Injectable } from '@nestjs/common';
import { ChangeFeed } from '../events/change-feed';
import type { StateChange } from '../domain/changes';
import { exitStatusOf, type PublicState } from '../domain/states';
import { groupName, instanceOfGroup, type Instance } from '../supervisor/instance';
import { isAlive, type ProcessChange, type ProcessInfo } from '../supervisor/process-mirror';
import { SupervisorGateway } from '../supervisor/supervisor-gateway';
import { FailureExplainer, type Failure, type FailurePhase } from './failure';
import { InstanceRecord } from './instance-record';

export interface InstanceStatus {
  status: PublicState;
  /** null when it does not run. */
  pid: number | null;
  /** Milliseconds since the epoch; null when it does not run. */
  startedAt: number | null;
  exitStatus: number;
  failure: Failure | null;
}

/** Also what a disabled program shows. */
export const NEVER_STARTED: InstanceStatus = {
  status: 'STOPPED',
  pid: null,
  startedAt: null,
  exitStatus: 0,
  failure: null,
};

/**
 * The state of every instance as the world sees it: the mirror of supervisord, folded into the public
 * states, with what supervisord can't know (why a start failed, a start that is about to be made). Each
 * change is told to the ChangeFeed, in order for each instance.
 */
@Injectable()
export class InstanceBoard {
  private readonly records = new Map<string, InstanceRecord>();
  /** Grows with every change that a status shows. */
  revision = 0;

  constructor(
    private readonly gateway: SupervisorGateway,
    private readonly feed: ChangeFeed,
    private readonly explainer: FailureExplainer,
  ) {
    gateway.mirror.onChange((change) => this.follow(change));
    gateway.mirror.onConnection(() => this.announceAll());
  }

  /** Of an enabled program: a disabled one is STOPPED, whatever is known here. */
  status(instance: Instance): InstanceStatus {
    const group = groupName(instance);
    const info = this.gateway.mirror.get(group);
    const record = this.records.get(group);
    const status = this.publicState(group);
    const runs = isAlive(info) && status !== 'UNKNOWN';
    return {
      status,
      pid: runs ? info!.pid : null,
      startedAt: runs ? info!.startedAt : null,
      exitStatus: record?.exitStatus ?? 0,
      failure: record?.failure ?? null,
    };
  }

  /** Resolves when the reason of the latest failure, if any, has been looked into. */
  async explained(instance: Instance): Promise<void> {
    await this.record(groupName(instance)).announcing;
  }

  /** From now on the instance counts as starting, until `begun` is called. */
  queueStart(instance: Instance): { begun: () => void } {
    const group = groupName(instance);
    const record = this.record(group);
    record.queuedStarts++;
    this.announce(group, Date.now());
    let isOver = false;
    return {
      begun: () => {
        if (isOver) return;
        isOver = true;
        record.queuedStarts--;
        this.announce(group, Date.now());
      },
    };
  }

  /** @param isSingleShot the first failure is the verdict */
  expectAttempt(instance: Instance, isSingleShot: boolean): void {
    this.record(groupName(instance)).isSingleShot = isSingleShot;
  }

  isSingleShot(instance: Instance): boolean {
    return this.records.get(groupName(instance))?.isSingleShot ?? false;
  }

  /** The instance could not even be brought to supervisord. */
  fail(instance: Instance, failure: Failure): void {
    const group = groupName(instance);
    // This start had no run; the exit status of an earlier one would explain the wrong end.
    Object.assign(this.record(group), { failure, exitStatus: 0 });
    this.announce(group, Date.now());
  }

  clearFailure(instance: Instance): void {
    const group = groupName(instance);
    const record = this.records.get(group);
    if (!record) return;
    record.failure = null;
    record.isSingleShot = false;
    this.announce(group, Date.now());
  }

  /** What was last told of the instance before the service started, so that only differences are told now. */
  recall(
    instance: Instance,
    announced: PublicState,
    pid: number | null,
    failure: Failure | null,
    exitStatus: number,
  ): void {
    Object.assign(this.record(groupName(instance)), { announced, announcedPid: pid, failure, exitStatus });
  }

  forget(instance: Instance): void {
    this.records.delete(groupName(instance));
    this.explainer.forget(instance);
    this.revision++;
  }

  private publicState(group: string): PublicState {
    const { mirror } = this.gateway;
    return mirror.connected ? this.record(group).fold(mirror.get(group)) : 'UNKNOWN';
  }

  private record(group: string): InstanceRecord {
    let record = this.records.get(group);
    if (!record) this.records.set(group, (record = new InstanceRecord()));
    return record;
  }

  private follow({ group, before, after, time, inferred }: ProcessChange): void {
    const record = this.record(group);
    if (after) this.noteFacts(group, record, before, after);
    // A picture that is still being put together is told when it is complete.
    if (inferred && !this.gateway.mirror.connected) return;
    this.announce(group, time, inferred, record.fold(after ?? undefined));
  }

  private noteFacts(
    group: string,
    record: InstanceRecord,
    before: ProcessInfo | null,
    info: ProcessInfo,
  ): void {
    if (isAlive(info)) record.exitStatus = 0;
    else if (info.exit !== null || info.signal !== null)
      record.exitStatus = exitStatusOf(info.exit, info.signal);
    switch (info.state) {
      case 'RUNNING':
        record.failure = null;
        record.isSingleShot = false;
        break;
      case 'STOPPED':
        if (before?.state === 'STOPPING') record.failure = null;
        break;
      case 'BACKOFF':
        this.lookInto(group, record, info, 'start');
        break;
      case 'EXITED':
        if (record.exitStatus !== 0) this.lookInto(group, record, info, 'run');
        break;
      case 'FATAL':
        if (!record.failure) this.lookInto(group, record, info, 'start');
        break;
      case 'STARTING':
      case 'STOPPING':
      case 'UNKNOWN':
        break;
    }
  }

  /** Says at once what is plain, and the rest when it is known; later announcements wait for that. */
  private lookInto(group: string, record: InstanceRecord, info: ProcessInfo, phase: FailurePhase): void {
    const instance = instanceOfGroup(group)!;
    const definition = this.gateway.definition(instance.owner);
    const { atFirst, afterALook } = this.explainer.explain({ instance, definition, info, phase });
    record.failure = atFirst;
    this.enqueue(record, async () => {
      Object.assign(atFirst, await afterALook);
      this.revision++;
    });
  }

  /** What changed while there was no contact was not seen. */
  private announceAll(): void {
    const { connected } = this.gateway.mirror;
    for (const group of this.records.keys()) this.announce(group, Date.now(), connected);
  }

  private announce(group: string, time: number, inferred = false, to = this.publicState(group)): void {
    this.revision++;
    const record = this.record(group);
    const info = this.gateway.mirror.get(group);
    if (inferred && this.wasReplaced(record, info))
      this.tell(group, record, 'STOPPED', info?.startedAt ?? time, true);
    if (to !== record.announced) this.tell(group, record, to, time, inferred);
    record.announcedPid = info?.pid ?? record.announcedPid;
  }

  /** Another process than the one that was known: the world has missed an end and a start. */
  private wasReplaced(record: InstanceRecord, info: ProcessInfo | undefined): boolean {
    const { announced, announcedPid } = record;
    return announced === 'RUNNING' && isAlive(info) && announcedPid !== null && info!.pid !== announcedPid;
  }

  private tell(
    group: string,
    record: InstanceRecord,
    to: PublicState,
    time: number,
    inferred: boolean,
  ): void {
    const { owner, port } = instanceOfGroup(group)!;
    const isOver = to === 'STOPPED' || to === 'FATAL';
    const { failure } = record;
    const info = this.gateway.mirror.get(group);
    // A start that is queued has no process yet; what is known is the one before.
    const pid = isAlive(info) || isOver ? (info?.pid ?? null) : null;
    const change: StateChange = {
      type: 'state',
      program: owner,
      port: port || null,
      from: record.announced,
      to,
      pid: isOver && inferred ? (record.announcedPid ?? pid) : pid,
      exit_status: isOver ? record.exitStatus : null,
      spawn_error: null,
      time: new Date(time).toISOString(),
      ...(inferred && { inferred }),
    };
    record.announced = to;
    const publish = () =>
      this.feed.publish({ ...change, spawn_error: to === 'FATAL' ? (failure?.spawnError ?? null) : null });
    if (record.announcing) this.enqueue(record, publish);
    else publish();
  }

  private enqueue(record: InstanceRecord, step: () => void | Promise<void>): void {
    const turn = (record.announcing ?? Promise.resolve()).then(step).finally(() => {
      if (record.announcing === turn) record.announcing = null;
    });
    record.announcing = turn;
  }
}
