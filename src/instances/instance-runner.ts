import { Injectable, Logger } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import { diagnosisOf, spawnErrorText } from '../diagnosis/diagnosis';
import { DaemonError } from '../domain/errors';
import type { PublicState } from '../domain/states';
import { endMarked } from '../process-table/end-marked';
import { exactMark } from '../process-table/marked-processes';
import { groupName, instanceOfGroup, type Instance } from '../supervisor/instance';
import type { ProcessDefinition } from '../supervisor/process-definition';
import { isAlive, type ProcessInfo, type ProcessMirror } from '../supervisor/process-mirror';
import { SupervisorGateway } from '../supervisor/supervisor-gateway';
import { KeyedMutex } from './concurrency';
import { FailureExplainer, type Failure } from './failure';
import { InstanceBoard } from './instance-board';
import { StartLane } from './start-lane';

export interface StartOptions {
  /** The first failed attempt is the verdict, and nothing is tried again. */
  isSingleShot: boolean;
  /** Asked just before the start is made: throws when it is no longer wanted. */
  stillWanted: () => void;
  /** Shared by starts that are asked for together. */
  lane?: StartLane;
}

export type StartVerdict =
  | { kind: 'running'; pid: number | null; wasRunning: boolean }
  | { kind: 'failed'; failure: Failure; exitStatus: number }
  | { kind: 'timeout'; status: PublicState };

type Begun = StartVerdict | { verdict: ReturnType<ProcessMirror['until']> };

/** SIGKILL takes effect at once, unless the kernel holds the process. */
const KILL_TAKES_MS = 5000;
/**
 * Right after its spawn a process is still supervisord's Python for a moment and can lose the stop signal
 * (measured: up to 20 ms, more under load). It is sent again to a young process that did not react.
 */
const SIGNAL_AGAIN_AFTER_MS = 150;
const YOUNG_MS = 1000;

/** Starts and stops single instances, one command at a time each, and knows supervisord's traps. */
@Injectable()
export class InstanceRunner {
  private readonly logger = new Logger('Instances');
  private readonly commands = new KeyedMutex();

  constructor(
    private readonly gateway: SupervisorGateway,
    private readonly board: InstanceBoard,
    private readonly explainer: FailureExplainer,
  ) {
    gateway.mirror.onChange(({ group, after }) => {
      const instance = instanceOfGroup(group);
      if (after?.state === 'BACKOFF' && instance && this.board.isSingleShot(instance))
        this.endRetries(instance);
    });
  }

  /** Starts and waits for the verdict. Joins a start that is under way. @param timeoutMs for the verdict */
  async start(
    definition: ProcessDefinition,
    instance: Instance,
    options: StartOptions,
    timeoutMs: number,
  ): Promise<StartVerdict> {
    const begun = await this.begin(definition, instance, options, timeoutMs);
    if ('kind' in begun) return begun;
    const decided = await begun.verdict;
    if (!decided?.info) {
      this.gateway.requireConnection();
      return { kind: 'timeout', status: this.board.status(instance).status };
    }
    // EXITED comes after RUNNING only; polling may see nothing of a short run but its end.
    if (decided.info.state === 'RUNNING' || decided.info.state === 'EXITED')
      return { kind: 'running', pid: decided.info.pid, wasRunning: false };
    await this.board.explained(instance);
    const { failure, exitStatus } = this.board.status(instance);
    return { kind: 'failed', failure: failure ?? stoppedMeanwhile(), exitStatus };
  }

  /**
   * Makes a start without waiting for what becomes of it. @returns the verdict when it is plain already, else
   * the promise of the state that decides it (null when `timeoutMs` is over before)
   */
  async begin(
    definition: ProcessDefinition,
    instance: Instance,
    { isSingleShot, stillWanted, lane = new StartLane() }: StartOptions,
    timeoutMs = 0,
  ): Promise<Begun> {
    const group = groupName(instance);
    const { mirror } = this.gateway;
    const queued = this.board.queueStart(instance);
    let deadline = Date.now() + timeoutMs;
    const beginNow = () =>
      this.commands.runExclusive(group, async (): Promise<Begun> => {
        this.gateway.requireConnection();
        stillWanted();
        if (mirror.get(group)?.state === 'STOPPING') await this.untilEnded(instance, definition.stopSeconds);
        if (mirror.get(group)?.state === 'BACKOFF') await this.endBackoff(instance);
        const before = mirror.get(group);
        if (before?.state === 'RUNNING') return { kind: 'running', pid: before.pid, wasRunning: true };
        this.board.expectAttempt(instance, isSingleShot);
        const isOfThisAttempt = attemptAfter(before);
        const isDecided = (info: ProcessInfo | undefined) =>
          isOfThisAttempt(info) && info?.state !== 'STARTING';
        const waitForVerdict = () => mirror.until(group, isDecided, Math.max(0, deadline - Date.now()));
        if (before?.state === 'STARTING') return { verdict: waitForVerdict() };
        const failure = await this.explainer.preflight(definition, instance);
        if (failure) {
          queued.begun();
          this.board.fail(instance, failure);
          return { kind: 'failed', failure, exitStatus: this.board.status(instance).exitStatus };
        }
        if (!this.gateway.definition(instance.owner)) await this.gateway.register(definition);
        return await lane.spawn(async (waitedMs) => {
          deadline += waitedMs;
          stillWanted();
          const seen = mirror.until(group, isOfThisAttempt, KILL_TAKES_MS);
          const verdict = waitForVerdict();
          this.explainer.runBegins(instance);
          await this.gateway.startProcess(instance);
          await seen;
          return { verdict };
        });
      });
    try {
      return await lane.prepare(async (waitedMs) => {
        deadline += waitedMs;
        return await beginNow();
      });
    } finally {
      queued.begun();
    }
  }

  /** Resolves with whether the instance has ended before `timeoutMs` were over. */
  async untilNotRunning(instance: Instance, timeoutMs: number): Promise<boolean> {
    const { mirror } = this.gateway;
    return (await mirror.until(groupName(instance), (info) => !isAlive(info), timeoutMs)) !== null;
  }

  /**
   * Stops the instance with all its processes; a failure that it showed is forgotten. Resolves when it has
   * ended, with whether it ran. @throws DaemonError STOP_FAILED when it is still alive after SIGKILL
   */
  async stop(instance: Instance): Promise<boolean> {
    const group = groupName(instance);
    return await this.commands.runExclusive(group, async () => {
      this.gateway.requireConnection();
      const definition = this.gateway.definition(instance.owner);
      const info = await this.settled(instance);
      const wasRunning = isAlive(info) || info?.state === 'BACKOFF';
      if (info?.state === 'BACKOFF') await this.endBackoff(instance);
      else if (isAlive(info)) await this.end(instance, info!, definition);
      if (wasRunning) await this.endStrays(instance, definition);
      this.board.clearFailure(instance);
      return wasRunning;
    });
  }

  /**
   * What is to be stopped; what has ended by itself is forgotten. One that supervisord starts again in the same
   * moment counts as what it has become.
   */
  private async settled(instance: Instance): Promise<ProcessInfo | undefined> {
    const { mirror } = this.gateway;
    const group = groupName(instance);
    for (;;) {
      const info = mirror.get(group);
      if (info?.state !== 'EXITED' && info?.state !== 'FATAL') return info;
      if (await this.gateway.forgetEnd(instance)) return mirror.get(group);
      const hasChanged = await mirror.until(group, (now) => now !== info, KILL_TAKES_MS);
      if (!hasChanged) return info;
    }
  }

  private async end(
    instance: Instance,
    info: ProcessInfo,
    definition: ProcessDefinition | undefined,
  ): Promise<void> {
    const stopSeconds = definition?.stopSeconds ?? 10;
    if (info.state !== 'STOPPING') await this.gateway.stopProcess(instance);
    const isYoung = info.startedAt !== null && Date.now() - info.startedAt < YOUNG_MS;
    const ended = new AbortController();
    if (isYoung) void this.signalAgain(instance, definition?.stopSignal ?? 'TERM', ended.signal);
    try {
      await this.untilEnded(instance, stopSeconds);
    } finally {
      ended.abort();
    }
  }

  private async signalAgain(instance: Instance, signal: string, ended: AbortSignal): Promise<void> {
    try {
      await delay(SIGNAL_AGAIN_AFTER_MS, undefined, { signal: ended });
      await this.gateway.signalProcess(instance, signal);
    } catch (error) {
      if (!ended.aborted)
        this.logger.warn(`Cannot signal ${groupName(instance)} again: ${(error as Error).message}`);
    }
  }

  private async untilEnded(instance: Instance, stopSeconds: number): Promise<void> {
    const limitMs = stopSeconds * 1000 + KILL_TAKES_MS;
    const hasEnded = await this.gateway.mirror.until(groupName(instance), (info) => !isAlive(info), limitMs);
    if (hasEnded) return;
    this.gateway.requireConnection();
    throw new DaemonError(
      'STOP_FAILED',
      `Program "${instance.owner}" is still alive ${KILL_TAKES_MS / 1000} s after SIGKILL.`,
      {
        status: this.board.status(instance).status,
      },
    );
  }

  private async endBackoff(instance: Instance): Promise<void> {
    await this.gateway.stopProcess(instance);
    const isOver = (info: ProcessInfo | undefined) => info?.state !== 'BACKOFF';
    await this.gateway.mirror.until(groupName(instance), isOver, KILL_TAKES_MS);
  }

  /** A try that started again in the same moment is ended like any other. */
  private endRetries(instance: Instance): void {
    this.gateway.stopProcess(instance).catch((error: Error) => this.logger.warn(error.message));
  }

  /** Processes that left the process group but carry its mark. */
  private async endStrays(instance: Instance, definition: ProcessDefinition | undefined): Promise<void> {
    await endMarked(exactMark(this.gateway.markOf(instance)), {
      signal: `SIG${definition?.stopSignal ?? 'TERM'}`,
      graceMs: (definition?.stopSeconds ?? 10) * 1000,
    });
  }
}

/** Tells the states of a new attempt from what was known before it. */
function attemptAfter(before: ProcessInfo | undefined): (info: ProcessInfo | undefined) => boolean {
  if (before?.state === 'STARTING') return () => true;
  return (info) =>
    info !== undefined &&
    info !== before &&
    (info.startedAt !== (before?.startedAt ?? null) || info.state !== 'STOPPED');
}

export function stoppedMeanwhile(): Failure {
  const diagnosis = diagnosisOf({ cause: 'stopped' });
  return { spawnError: spawnErrorText(diagnosis, 'start'), diagnosis, stderr: [] };
}
