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
import { instanceOfGroup } from '../supervisor/instance';
import { definitionOf } from '../supervisor/process-definition';
import { SupervisorGateway } from '../supervisor/supervisor-gateway';
import { wantedAtBoot, withoutCutShortEdits } from './boot-modes';
import { EphemeralCleaner } from './ephemeral-cleaner';
import { planReconciliation, type ActualInstance, type DesiredProgram, type PlannedStart } from './plan';

const REGISTERED_AT_ONCE = 4;
const STOPS_AT_ONCE = 100;
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
   * Takes away and stops what should not be there, and tells supervisord of what should. Callers hold the
   * lock of all programs. @param replaced programs of which another version may run
   * @returns what remains to be started
   */
  async settle(replaced: ReadonlySet<string> = new Set()): Promise<PlannedStart[]> {
    const outdated = this.actual().filter(({ owner }) => replaced.has(owner));
    await forEachLimited(outdated, STOPS_AT_ONCE, async (instance) => {
      await this.runner.stop(instance);
    });
    const actual = this.actual().map((one) =>
      replaced.has(one.owner) ? { ...one, wasEverStarted: false } : one,
    );
    const plan = planReconciliation(this.desired(), actual, { isShared: this.gateway.isAttached });
    await forEachLimited([...plan.remove, ...plan.stop], STOPS_AT_ONCE, async (instance) => {
      await this.runner.stop(instance);
    });
    const enabled = new Set(this.enabledPrograms().map(({ id }) => id));
    for (const owner of new Set(plan.remove.map(({ owner }) => owner)))
      if (!enabled.has(owner)) await this.gateway.unregister(owner);
    await this.registerAll();
    return plan.start;
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
    this.boot = new AbortController();
    await this.locks.forAll(async () => {
      await this.ephemerals.cleanUp();
      if (this.repository.problem) return;
      const cutShort = this.repository.programs().filter(({ previous }) => previous !== null);
      await this.repository.updatePrograms((programs) => {
        const whole = withoutCutShortEdits(programs);
        return isNew ? wantedAtBoot(whole) : whole;
      });
      const starts = await this.settle(new Set(cutShort.map(({ id }) => id)));
      void this.start(starts, this.boot.signal);
    });
  }

  /** By priority: the next waits until those before it run or have failed. A delay holds up nobody else. */
  private async start(starts: PlannedStart[], signal: AbortSignal): Promise<void> {
    const lane = new StartLane();
    const startOne = async ({ owner, port, delaySeconds }: PlannedStart) => {
      try {
        if (delaySeconds > 0) await delay(delaySeconds * 1000, undefined, { signal });
        if (!signal.aborted) await this.startInstance(owner, port, lane);
      } catch (error) {
        if (!signal.aborted) this.logger.warn(`Cannot start "${owner}": ${(error as Error).message}`);
      }
    };
    for (const late of starts.filter(({ delaySeconds }) => delaySeconds > 0)) void startOne(late);
    const prompt = starts.filter(({ delaySeconds }) => delaySeconds === 0);
    for (const priority of new Set(prompt.map((planned) => planned.priority)))
      await Promise.all(prompt.filter((planned) => planned.priority === priority).map(startOne));
  }

  private async startInstance(owner: string, port: number, lane: StartLane): Promise<void> {
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
