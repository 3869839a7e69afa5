import { Injectable, Logger } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import { ConfigRepository } from '../config-store/config-repository';
import { diagnosisOf, spawnErrorText } from '../diagnosis/diagnosis';
import { DaemonError } from '../domain/errors';
import { instancePorts } from '../domain/port-range';
import type { StoredProgram } from '../domain/program';
import { forEachLimited } from '../instances/concurrency';
import type { Failure } from '../instances/failure';
import { InstanceBoard } from '../instances/instance-board';
import { InstanceRunner } from '../instances/instance-runner';
import { ProgramLocks } from '../instances/program-locks';
import { StartLane } from '../instances/start-lane';
import { instanceOfGroup, type Instance } from '../supervisor/instance';
import { definitionOf } from '../supervisor/process-definition';
import { SupervisorGateway } from '../supervisor/supervisor-gateway';
import { wantedAtBoot, withoutCutShortEdits } from './boot-modes';
import { EphemeralCleaner } from './ephemeral-cleaner';
import {
  planReconciliation,
  type ActualInstance,
  type DesiredProgram,
  type PlannedStart,
  type ReconcilePlan,
} from './plan';

const REGISTERED_AT_ONCE = 4;
const STOPS_AT_ONCE = 100;
/** Between the tries to start what only a trouble of the machine keeps from starting. */
const TROUBLE_PAUSE_MS = 2000;
/** Beyond its start_seconds, how long the next priority waits for a program that neither runs nor fails. */
const PATIENCE_MS = 30_000;

/** Brings supervisord to what the configuration says: at each contact, so also after any crash. */
@Injectable()
export class Reconciler {
  private readonly logger = new Logger('Reconciler');
  private boot = new AbortController();

  constructor(
    private readonly repository: ConfigRepository,
    private readonly gateway: SupervisorGateway,
    private readonly board: InstanceBoard,
    private readonly runner: InstanceRunner,
    private readonly locks: ProgramLocks,
    private readonly ephemerals: EphemeralCleaner,
  ) {
    gateway.onContact((isNew) => this.reconcile(isNew));
  }

  /** Delayed starts are given up. */
  close(): void {
    this.boot.abort();
  }

  /**
   * Takes away and stops what should not be there, tells supervisord of what should, and begins to start what
   * should run; resolves before that has been started. Callers hold the lock of all programs.
   */
  async bringAbout(): Promise<void> {
    this.boot.abort();
    this.boot = new AbortController();
    const { remove, stop } = this.plan();
    await this.stopAll([...remove, ...stop]);
    const desired = new Set(this.desired().map(({ owner }) => owner));
    for (const owner of new Set(remove.map(({ owner }) => owner)))
      if (!desired.has(owner))
        await this.unlessConnectionLost(`take "${owner}" away`, () => this.gateway.unregister(owner));
    await this.registerAll();
    this.gateway.removeStaleFiles(desired);
    void this.start(this.plan().start, this.boot.signal);
  }

  private plan(): ReconcilePlan {
    return planReconciliation(this.desired(), this.actual(), { isShared: this.gateway.isAttached });
  }

  private async stopAll(instances: Instance[]): Promise<void> {
    await forEachLimited(instances, STOPS_AT_ONCE, (instance) =>
      this.unlessConnectionLost(`stop "${instance.owner}"`, () => this.runner.stop(instance)),
    );
  }

  /** Ends what a cut-short edit has left, as if it had never been started. */
  private async takeBack(instances: Instance[]): Promise<void> {
    await this.stopAll(instances);
    await forEachLimited(instances, STOPS_AT_ONCE, (instance) =>
      this.unlessConnectionLost(`reset "${instance.owner}"`, () => this.gateway.forgetEnd(instance)),
    );
  }

  /** What can't be done with one program, say because the kernel holds its process, must not hold up the rest. */
  private async unlessConnectionLost(doing: string, step: () => Promise<unknown>): Promise<void> {
    try {
      await step();
    } catch (error) {
      this.gateway.requireConnection();
      this.logger.warn(`Cannot ${doing}: ${(error as Error).message}`);
    }
  }

  /** Tells supervisord of all enabled programs. Those that it can't take stay listed, and show why. */
  private async registerAll(): Promise<void> {
    await forEachLimited(this.enabledPrograms(), REGISTERED_AT_ONCE, async (program) => {
      try {
        await this.gateway.register(definitionOf(program));
      } catch (error) {
        if (!(error instanceof DaemonError)) throw error;
        if (error.code === 'SUPERVISORD_ERROR') this.gateway.requireConnection();
        this.logger.warn(`Program "${program.id}" is not known to supervisord: ${error.message}`);
        for (const port of program.wanted)
          this.board.fail({ owner: program.id, port }, failureOf(program, error));
      }
    });
  }

  private async reconcile(isNew: boolean): Promise<void> {
    this.boot.abort();
    await this.locks.forAll(async () => {
      await this.ephemerals.cleanUp();
      if (this.repository.problem) return;
      // Which version runs, if any, is not known.
      const cutShort = new Set(this.repository.programs().flatMap((p) => (p.previous ? [p.id] : [])));
      await this.takeBack(this.actual().filter(({ owner }) => cutShort.has(owner)));
      await this.repository.updatePrograms((programs) => {
        const whole = withoutCutShortEdits(programs);
        return isNew ? wantedAtBoot(whole) : whole;
      });
      await this.bringAbout();
    });
  }

  /** By priority: the next waits until those before it run or have failed. A delay holds up nobody else. */
  private async start(starts: PlannedStart[], signal: AbortSignal): Promise<void> {
    const lane = new StartLane();
    for (const late of starts.filter(({ delaySeconds }) => delaySeconds > 0))
      void this.startAfter(late.delaySeconds * 1000, late, lane, signal);
    const prompt = starts.filter(({ delaySeconds }) => delaySeconds === 0);
    for (const priority of new Set(prompt.map((planned) => planned.priority))) {
      const level = prompt.filter((planned) => planned.priority === priority);
      await Promise.all(level.map((planned) => this.startOne(planned, lane, signal)));
    }
  }

  private async startAfter(
    ms: number,
    planned: PlannedStart,
    lane: StartLane,
    signal: AbortSignal,
  ): Promise<void> {
    await delay(ms, undefined, { signal }).catch(() => undefined);
    await this.startOne(planned, lane, signal);
  }

  /** Resolves when it runs or has failed. */
  private async startOne(planned: PlannedStart, lane: StartLane, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    try {
      await this.startInstance(planned, lane);
    } catch (error) {
      if (signal.aborted) return;
      this.logger.warn(`Cannot start "${planned.owner}": ${(error as Error).message}`);
      // A full disk, say: the program is not to blame, and the trouble will pass.
      if (error instanceof DaemonError && error.code === 'INTERNAL_ERROR')
        void this.startAfter(TROUBLE_PAUSE_MS, planned, lane, signal);
    }
  }

  private async startInstance({ owner, port }: PlannedStart, lane: StartLane): Promise<void> {
    const program = this.repository.programs().find(({ id }) => id === owner);
    if (!program?.enabled || !program.wanted.includes(port)) return;
    const stillWanted = () => {
      if (!this.repository.program(owner).wanted.includes(port)) throw new Error('it is not wanted any more');
    };
    const timeoutMs = program.start_seconds * 1000 + PATIENCE_MS;
    const options = { isSingleShot: false, stillWanted, lane };
    await this.runner.start(definitionOf(program), { owner, port }, options, timeoutMs);
  }

  private desired(): DesiredProgram[] {
    const programs = this.enabledPrograms().map((program) => ({
      owner: program.id,
      ports: instancePorts(program.port_range),
      wanted: program.wanted,
      priority: program.priority,
      delaySeconds: program.delay_seconds,
    }));
    return [...programs, ...this.ephemerals.desired()];
  }

  private actual(): ActualInstance[] {
    return [...this.gateway.mirror.all()].map((info) => ({
      ...instanceOfGroup(info.group)!,
      state: info.state,
      wasEverStarted: info.startedAt !== null,
    }));
  }

  private enabledPrograms(): StoredProgram[] {
    return this.repository.programs().filter((program) => program.enabled);
  }
}

function failureOf(program: StoredProgram, error: DaemonError): Failure {
  const diagnosis =
    error.code === 'USER_NOT_FOUND'
      ? diagnosisOf({ cause: 'user_not_found', user: program.user })
      : diagnosisOf({ cause: 'spawn_error', text: error.message });
  return { spawnError: spawnErrorText(diagnosis, 'start'), diagnosis, stderr: [] };
}
