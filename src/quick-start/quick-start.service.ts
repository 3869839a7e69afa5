import { Inject, Injectable, Logger } from '@nestjs/common';
import { randomInt } from 'node:crypto';
import { ConfigRepository } from '../config-store/config-repository';
import { DaemonError } from '../domain/errors';
import { assertPortRange, isMultiInstance } from '../domain/port-range';
import { PROGRAM_DEFAULTS, type EphemeralProgram } from '../domain/program';
import { InstanceBoard } from '../instances/instance-board';
import { InstanceRunner } from '../instances/instance-runner';
import { ProgramLocks } from '../instances/program-locks';
import { startFailed } from '../instances/start-failed';
import { LogReader } from '../logs/log-reader';
import { SETTINGS, type Settings } from '../settings/settings';
import type { Instance } from '../supervisor/instance';
import { definitionOfEphemeral } from '../supervisor/process-definition';
import { SupervisorGateway } from '../supervisor/supervisor-gateway';
import { requireUser } from '../supervisor/system-users';
import { assertCoherent } from '../validation/assert-coherent';
import { portRangeFrom } from '../validation/program-from-fields';
import type {
  EphemeralProgramDto,
  EphemeralStatusDto,
  EphemeralStoppedDto,
  QuickStartDto,
  QuickStartedDto,
} from './dto/quick-start.dto';

const MAX_RUNNING = 1000;
const RESULT_LINES = 100;
const DEFAULT_WAIT_S = 30;
/** An ephemeral program counts as running as soon as it is spawned. */
const SPAWN_PATIENCE_MS = 30_000;

/** Programs that are run once and cleaned up. */
@Injectable()
export class QuickStartService {
  private readonly logger = new Logger('QuickStart');

  constructor(
    private readonly repository: ConfigRepository,
    private readonly gateway: SupervisorGateway,
    private readonly board: InstanceBoard,
    private readonly runner: InstanceRunner,
    private readonly locks: ProgramLocks,
    private readonly logs: LogReader,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  async launch(request: QuickStartDto): Promise<QuickStartedDto> {
    const program = this.programFrom(request);
    this.assertValidPort(program);
    assertCoherent(program);
    await requireUser(program.user);
    this.gateway.requireConnection();
    const started = await this.locks.forOne(program.temporary_id, () => this.start(program));
    if (request.wait_for_exit !== true) return started;
    return await this.withResult(program, started, request.timeout ?? DEFAULT_WAIT_S);
  }

  list(): EphemeralProgramDto[] {
    return this.repository.ephemerals().map((program) => this.shown(program));
  }

  status(id: string): EphemeralStatusDto {
    const program = this.repository.ephemeral(id);
    const { failure, status } = this.board.status(instanceOf(program));
    return {
      ...this.shown(program),
      ...(failure && status !== 'RUNNING' && { spawn_error: failure.spawnError }),
    };
  }

  /** Also the clean-up of one that has ended. */
  async stop(id: string): Promise<EphemeralStoppedDto> {
    const wasRunning = await this.locks.forOne(id, () => this.remove(this.repository.ephemeral(id)));
    return {
      success: true,
      message: 'Ephemeral program stopped and removed',
      actions_performed: [
        ...(wasRunning ? ['stopped via supervisorctl'] : []),
        'deleted supervisord config',
        'removed from ephemeral.json',
      ],
    };
  }

  private async start(program: EphemeralProgram): Promise<QuickStartedDto> {
    const id = program.temporary_id;
    await this.repository.updateEphemerals((programs) => {
      if (programs.filter((other) => other.ended_at === null).length >= MAX_RUNNING)
        throw new DaemonError(
          'LIMIT_REACHED',
          `${MAX_RUNNING} ephemeral programs are running already. Stop one first.`,
        );
      return [...programs, program];
    });
    try {
      const definition = definitionOfEphemeral(program);
      await this.gateway.register(definition);
      const options = { isSingleShot: true, stillWanted: () => void this.repository.ephemeral(id) };
      const verdict = await this.runner.start(definition, instanceOf(program), options, SPAWN_PATIENCE_MS);
      if (verdict.kind === 'failed') throw startFailed(verdict.failure, verdict.exitStatus);
      const { status, pid } = this.board.status(instanceOf(program));
      return {
        success: true,
        temporary_id: id,
        message: 'Ephemeral program started',
        status: running(status),
        pid,
      };
    } catch (error) {
      await this.remove(program).catch((problem: Error) =>
        this.logger.warn(`Cannot clean up after "${id}", which could not be started: ${problem.message}`),
      );
      throw error;
    }
  }

  /** @returns whether it ran */
  private async remove(program: EphemeralProgram): Promise<boolean> {
    const id = program.temporary_id;
    this.gateway.requireConnection();
    await this.repository.updateEphemerals((programs) =>
      programs.filter((other) => other.temporary_id !== id),
    );
    try {
      const wasRunning = await this.runner.stop(instanceOf(program));
      await this.gateway.unregister(id);
      await this.logs.remove(id);
      this.board.forget(instanceOf(program));
      return wasRunning;
    } catch (error) {
      await this.repository.updateEphemerals((programs) => [...programs, program]);
      throw error;
    }
  }

  private async withResult(
    program: EphemeralProgram,
    started: QuickStartedDto,
    timeoutS: number,
  ): Promise<QuickStartedDto> {
    const hasEnded = await this.runner.untilNotRunning(instanceOf(program), timeoutS * 1000);
    if (!hasEnded) this.gateway.requireConnection();
    const { status, exitStatus, pid } = this.board.status(instanceOf(program));
    const { stdout, stderr } = await this.logs.read(instanceOf(program), { lines: RESULT_LINES });
    return {
      ...started,
      status,
      pid,
      ...(hasEnded ? { exit_status: exitStatus } : { timed_out: true }),
      stdout,
      stderr,
    };
  }

  private programFrom(request: QuickStartDto): EphemeralProgram {
    const now = Date.now();
    return {
      temporary_id: temporaryId(),
      name: request.name ?? null,
      command: request.command,
      user: request.user,
      directory: request.directory ?? null,
      environment: { ...request.environment },
      port_range: portRangeFrom(request),
      stop_signal: request.stop_signal ?? PROGRAM_DEFAULTS.stop_signal,
      stop_seconds: request.stop_seconds ?? PROGRAM_DEFAULTS.stop_seconds,
      log_max_bytes: request.log_max_bytes ?? PROGRAM_DEFAULTS.log_max_bytes,
      created_at: new Date(now).toISOString(),
      expires_at: request.ttl == null ? null : new Date(now + request.ttl * 1000).toISOString(),
      epoch: this.gateway.epoch ?? '',
      ended_at: null,
    };
  }

  private assertValidPort({ port_range }: EphemeralProgram): void {
    assertPortRange(port_range, this.settings.socket === null ? this.settings.port : null);
    if (isMultiInstance(port_range))
      throw new DaemonError(
        'INVALID_PORT_RANGE',
        `An ephemeral program has one port at most; port_range ${port_range.start}..${port_range.end} has several.`,
      );
  }

  private shown(program: EphemeralProgram): EphemeralProgramDto {
    const { temporary_id, name, command, user, created_at, expires_at, ended_at } = program;
    const { status, pid, startedAt, exitStatus } = this.board.status(instanceOf(program));
    return {
      ...{ temporary_id, name, command, user, status, pid },
      uptime: startedAt === null ? 0 : Math.max(0, Math.floor((Date.now() - startedAt) / 1000)),
      exit_status: exitStatus,
      ...{ created_at, expires_at },
      pending_cleanup: ended_at !== null,
    };
  }
}

export function instanceOf(program: EphemeralProgram): Instance {
  return { owner: program.temporary_id, port: program.port_range.start };
}

/** The answer to the start is about the start, also when it has ended in the meantime. */
function running<T extends string>(status: T): T | 'RUNNING' {
  return status === 'UNKNOWN' ? status : 'RUNNING';
}

function temporaryId(): string {
  const letters = 'abcdefghijklmnopqrstuvwxyz0123456789';
  return `eph-${Array.from({ length: 12 }, () => letters[randomInt(letters.length)]).join('')}`;
}
