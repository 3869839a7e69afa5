import { Injectable } from '@nestjs/common';
import { isDeepStrictEqual } from 'node:util';
import { ConfigRepository } from '../config-store/config-repository';
import { DaemonError } from '../domain/errors';
import { includesPort, instancePorts, isMultiInstance } from '../domain/port-range';
import type { Program, StoredProgram } from '../domain/program';
import { isActive } from '../domain/states';
import { ChangeFeed } from '../events/change-feed';
import { InstanceBoard } from '../instances/instance-board';
import { ProgramLocks } from '../instances/program-locks';
import { StartLane } from '../instances/start-lane';
import { SupervisorGateway } from '../supervisor/supervisor-gateway';
import type { EditProgramDto } from './dto/program-input.dto';
import { MASK, programDtoOf } from './dto/program.dto';
import type { FieldChangeDto, ProgramChangedDto } from './dto/program-results.dto';
import { InstanceStart } from './instance-start';
import { assertNoConflict, withProgram } from '../config-store/program-changes';
import { ProgramChecks } from './program-checks';
import { editedProgram } from './edited-program';
import { ProgramLifecycle } from './program-lifecycle';

/** Changes a program, also while it runs, so that no failure on the way loses what worked. */
@Injectable()
export class ProgramEditorService {
  constructor(
    private readonly repository: ConfigRepository,
    private readonly gateway: SupervisorGateway,
    private readonly board: InstanceBoard,
    private readonly locks: ProgramLocks,
    private readonly checks: ProgramChecks,
    private readonly lifecycle: ProgramLifecycle,
    private readonly starter: InstanceStart,
    private readonly feed: ChangeFeed,
  ) {}

  async edit(id: string, edit: EditProgramDto, isDryRun: boolean): Promise<ProgramChangedDto> {
    return await this.locks.forOne(id, async () => {
      const current = this.repository.program(id);
      const next = editedProgram(current, edit);
      const changes = changesBetween(current, next);
      assertNoConflict(this.repository.programs(), next, id);
      await this.checks.assertValid(next);
      const running = current.enabled ? this.runningPorts(current) : [];
      if (isDryRun) return await this.dryEdit(current, next, changes, running, edit.restart === true);
      if (changes.length === 1 && changes[0]!.field === 'enabled')
        return await this.switchEnabled(next, edit);
      const affected = affectedPorts(current, next, changes, running);
      if (affected.length > 0 && edit.restart !== true) throw isRunning(current, running);
      if (changes.length === 0 && affected.length === 0) return this.updated(id, edit, []);
      if (current.enabled || next.enabled) this.gateway.requireConnection();
      const restarted =
        affected.length > 0
          ? await this.replaceRunning(current, next, running, affected)
          : await this.replaceStopped(current, next, running);
      await this.dropInstances(current, next);
      if (current.logs_enabled && !next.logs_enabled) await this.lifecycle.endLogs(next, false);
      this.feed.publishConfig('edited', id);
      return this.updated(id, edit, restarted);
    });
  }

  private updated(id: string, edit: EditProgramDto, restarted: number[]): ProgramChangedDto {
    return {
      success: true,
      message: 'Program updated',
      program: this.shown(id),
      ...(edit.restart === true && { restarted_ports: restarted }),
    };
  }

  private async switchEnabled(next: Program, edit: EditProgramDto): Promise<ProgramChangedDto> {
    if (next.enabled) await this.lifecycle.enable(next.id);
    else await this.lifecycle.disable(next.id);
    return this.updated(next.id, edit, []);
  }

  /** Nothing that runs is touched. */
  private async replaceStopped(
    current: StoredProgram,
    next: StoredProgram,
    running: number[],
  ): Promise<number[]> {
    await this.save(next.id, { ...next, wanted: next.enabled ? running : [] });
    try {
      await this.apply(current, next);
    } catch (error) {
      await this.save(next.id, current);
      throw error;
    }
    return [];
  }

  /**
   * Both versions are on disk until the new one runs: a crash on the way goes back to the old one.
   * @returns the ports that were restarted
   */
  private async replaceRunning(
    current: StoredProgram,
    next: StoredProgram,
    running: number[],
    affected: number[],
  ): Promise<number[]> {
    const startable = next.enabled ? instancePorts(next.port_range) : [];
    const carriedOn = running.filter((port) => !affected.includes(port));
    const toStart = restartedPorts(current, next, affected).filter((port) => startable.includes(port));
    const wanted = [...carriedOn, ...toStart];
    const { wanted: _, previous: __, ...previous } = current;
    await this.save(next.id, { ...next, wanted: [...new Set([...running, ...toStart])], previous });
    try {
      await this.lifecycle.stopAll(current, affected);
      await this.apply(current, next);
      await this.startAll(next, toStart);
    } catch (error) {
      throw await this.rollBack(current, next, running, affected, error);
    }
    await this.save(next.id, { ...next, wanted, previous: null });
    return toStart;
  }

  private async rollBack(
    current: StoredProgram,
    next: StoredProgram,
    running: number[],
    affected: number[],
    cause: unknown,
  ): Promise<unknown> {
    const ports = [...new Set([...instancePorts(next.port_range), ...affected])];
    let rolledBack = true;
    let wanted = running;
    try {
      await this.lifecycle.stopAll(
        next,
        ports.filter((port) => !running.includes(port) || affected.includes(port)),
      );
      await this.save(current.id, { ...current, wanted: running });
      await this.apply(next, current);
      await this.dropInstances(next, current);
      await this.startAll(current, affected);
    } catch (error) {
      rolledBack = false;
      // What failed by itself is not tried again; without supervisord it should run when there is one again.
      if (error instanceof DaemonError && error.code === 'START_FAILED')
        wanted = running.filter((port) => this.isRunning(current, port));
    }
    await this.save(current.id, { ...current, wanted }).catch(() => undefined);
    if (!(cause instanceof DaemonError)) return cause;
    const outcome = rolledBack
      ? 'The version before is running again.'
      : 'The version before does not come up any more, either.';
    const code = cause.code === 'START_TIMEOUT' ? 'START_FAILED' : cause.code;
    return new DaemonError(code, `${cause.message.replace(/\.$/, '')}. ${outcome}`, {
      ...cause.extra,
      rolled_back: rolledBack,
    });
  }

  private async apply(before: StoredProgram, after: StoredProgram): Promise<void> {
    if (after.enabled) await this.lifecycle.register(after);
    else if (before.enabled) await this.lifecycle.retire(before);
    if (!after.enabled) this.lifecycle.forget(before);
  }

  /** Not before the new version runs: until then the old one may come back. */
  private async dropInstances(before: StoredProgram, after: StoredProgram): Promise<void> {
    const kept = new Set(instancePorts(after.port_range));
    const dropped = instancePorts(before.port_range).filter((port) => !kept.has(port));
    await this.lifecycle.dropInstances(before.id, dropped);
  }

  /** Together; rejects with the first failure when all verdicts are there. */
  private async startAll(program: StoredProgram, ports: number[]): Promise<void> {
    const request = { timeout: null, waitFor: 'running', lane: new StartLane() } as const;
    const results = await Promise.allSettled(
      ports.map((port) => this.starter.startAndWait(program, port, request)),
    );
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
  }

  private async dryEdit(
    current: StoredProgram,
    next: StoredProgram,
    changes: FieldChangeDto[],
    running: number[],
    mayRestart: boolean,
  ): Promise<ProgramChangedDto> {
    const affected = affectedPorts(current, next, changes, running);
    const onlyDisables = changes.length === 1 && changes[0]!.field === 'enabled';
    if (affected.length > 0 && !mayRestart && !onlyDisables) throw isRunning(current, running);
    await this.checks.assertAcceptable(next);
    return {
      success: true,
      message: 'Program can be updated; nothing was changed (dry run)',
      program: programDtoOf(next, true),
      dry_run: true,
      changes,
      would_restart: next.enabled ? restartedPorts(current, next, affected) : [],
    };
  }

  private runningPorts(program: StoredProgram): number[] {
    return instancePorts(program.port_range).filter((port) => this.isRunning(program, port));
  }

  private isRunning(program: StoredProgram, port: number): boolean {
    return isActive(this.board.status({ owner: program.id, port }).status);
  }

  private shown(id: string) {
    return programDtoOf(this.repository.program(id), true);
  }

  private async save(id: string, program: StoredProgram): Promise<void> {
    await this.repository.updatePrograms((programs) => {
      assertNoConflict(programs, program, id);
      return withProgram(programs, id, () => program);
    });
  }
}

/** Secrets are in neither of them. */
function changesBetween(current: Program, next: Program): FieldChangeDto[] {
  const before = programDtoOf(current, true);
  const after = programDtoOf(next, true);
  const changes = (Object.keys(after) as (keyof typeof after)[])
    .filter((field) => !isDeepStrictEqual(before[field], after[field]))
    .map((field) => ({ field, from: before[field], to: after[field] }));
  const secrets = [current, next].map(({ webhooks }) => webhooks?.secret ?? null);
  if (secrets[0] === secrets[1]) return changes;
  const [from, to] = secrets.map((secret) => secret && MASK);
  return [...changes, { field: 'webhooks.secret', from, to }];
}

/** The running instances that the change can't leave as they are. */
function affectedPorts(
  current: Program,
  next: Program,
  changes: FieldChangeDto[],
  running: number[],
): number[] {
  const isOnlyRange = changes.length === 1 && changes[0]!.field === 'port_range';
  if (!isOnlyRange || !isMultiInstance(current.port_range) || !isMultiInstance(next.port_range))
    return running;
  return running.filter((port) => !includesPort(next.port_range, port));
}

/** Which ports run after the restart of `affected`: the same, or the one process under its new port. */
function restartedPorts(current: Program, next: Program, affected: number[]): number[] {
  if (isMultiInstance(current.port_range) || isMultiInstance(next.port_range))
    return affected.filter((port) => instancePorts(next.port_range).includes(port));
  return affected.length > 0 ? [next.port_range.start] : [];
}

function isRunning(program: Program, running: number[]): DaemonError {
  const which = isMultiInstance(program.port_range) ? ` on port ${running.slice(0, 5).join(', ')}` : '';
  return new DaemonError(
    'PROGRAM_RUNNING',
    `Program "${program.id}" is running${which}. Stop it first, or send "restart": true.`,
  );
}
