import { Injectable } from '@nestjs/common';
import { ConfigRepository } from '../config-store/config-repository';
import { DaemonError, invalidFields, type ErrorCode } from '../domain/errors';
import { hasPort } from '../domain/port-range';
import type { Program, StoredProgram } from '../domain/program';
import { isActive, type PublicState } from '../domain/states';
import { forEachLimited } from '../instances/concurrency';
import { InstanceBoard } from '../instances/instance-board';
import { InstanceRunner } from '../instances/instance-runner';
import { ProgramLocks } from '../instances/program-locks';
import { StartLane } from '../instances/start-lane';
import { SupervisorGateway } from '../supervisor/supervisor-gateway';
import { targetsOf, type TargetOptions, type Targets } from './action-targets';
import { DesiredPorts, programDisabled } from './desired-ports';
import type { RestartProgramDto, StartProgramDto, StopProgramDto } from './dto/action-options.dto';
import type { FailedInstanceDto } from '../openapi/error.dto';
import type { ActionResultDto } from './dto/action-result.dto';
import { InstanceStart, type StartRequest } from './instance-start';

const STOPS_AT_ONCE = 100;
const STOP_PATIENCE_S = 10;

/** Start, stop and restart, of one instance or many. */
@Injectable()
export class ProgramActionsService {
  constructor(
    private readonly repository: ConfigRepository,
    private readonly gateway: SupervisorGateway,
    private readonly runner: InstanceRunner,
    private readonly board: InstanceBoard,
    private readonly locks: ProgramLocks,
    private readonly desired: DesiredPorts,
    private readonly starter: InstanceStart,
  ) {}

  async start(id: string, options: StartProgramDto): Promise<ActionResultDto> {
    const { program, targets, newlyWanted } = await this.wantRunning(id, options);
    const lane = new StartLane();
    const startOne = (port: number) =>
      options.wait === false
        ? this.starter.startOnly(program, port, lane)
        : this.starter.startAndWait(program, port, requestOf(options, lane));
    if (targets.isFleet) return await this.startFleet(program, targets, newlyWanted, startOne);
    const port = targets.ports[0]!;
    const started = await this.keepingIntent(program.id, port, newlyWanted, () => startOne(port));
    const verb = started.wasRunning
      ? 'already running'
      : started.status === 'RUNNING'
        ? 'started'
        : 'starting';
    return {
      success: true,
      message: started.wasRunning || !targets.port ? `Program ${verb}` : `Program instance ${verb}`,
      ...portOf(targets),
      status: started.status,
      pid: started.pid,
      ...(started.wasRunning && { already_running: true }),
      ...(started.readyAfterMs !== null && { ready_after_ms: started.readyAfterMs }),
      ...(targets.withList && { started_ports: started.wasRunning ? [] : [port].filter(Boolean) }),
    };
  }

  async stop(id: string, options: StopProgramDto): Promise<ActionResultDto> {
    const { program, targets } = await this.locks.forOne(id, async () => {
      const program = this.repository.program(id);
      const targets = targetsOf(program, options);
      if (program.enabled) this.gateway.requireConnection();
      await this.desired.unwant(id, targets.ports);
      return { program, targets };
    });
    const running = targets.ports.filter((port) => this.isActive(program, port));
    const patienceMs = (options.timeout ?? program.stop_seconds + STOP_PATIENCE_S) * 1000;
    const stopped: number[] = [];
    const stopOne = async (port: number) => {
      const instance = { owner: id, port };
      if (
        program.enabled &&
        (await inTime(this.runner.stop(instance), patienceMs, () => this.stopTimeout(id, port)))
      )
        stopped.push(port);
    };
    if (options.wait === false) {
      for (const port of targets.ports) stopOne(port).catch(() => undefined);
      return this.stopping(id, targets, running);
    }
    await forEachLimited(targets.ports, STOPS_AT_ONCE, stopOne);
    const stoppedPorts = stopped.filter(Boolean).sort((a, b) => a - b);
    if (targets.isFleet)
      return { success: true, message: fleetMessage(targets, 'stopped'), stopped_ports: stoppedPorts };
    return {
      success: true,
      message: targets.port ? 'Program instance stopped' : 'Program stopped',
      ...portOf(targets),
      ...(targets.withList && { stopped_ports: stoppedPorts }),
    };
  }

  async restart(id: string, options: RestartProgramDto): Promise<ActionResultDto> {
    const program = this.repository.program(id);
    const targets = targetsOf(program, options);
    if (!targets.isFleet) return await this.restartOne(id, options, targets);
    if (!program.enabled) throw programDisabled(program);
    this.gateway.requireConnection();
    const running = targets.ports.filter((port) => this.isActive(program, port));
    const restarted: number[] = [];
    const batch = options.batch ?? 1;
    for (let i = 0; i < running.length; i += batch) {
      const ports = running.slice(i, i + batch);
      const errors: InstanceError[] = [];
      await Promise.all(
        ports.map(async (port) => {
          try {
            await this.restartInstance(id, port, options);
            restarted.push(port);
          } catch (error) {
            errors.push({ port, error });
          }
        }),
      );
      if (errors.length === 0) continue;
      const failed = failuresOf(errors);
      throw new DaemonError(
        codeOfRestart(errors),
        `The restart stopped at port ${failed[0]!.port}: ${failed[0]!.error}`,
        {
          restarted_ports: sorted(restarted),
          failed,
          not_restarted_ports: running.slice(i + batch),
        },
      );
    }
    return { success: true, message: fleetMessage(targets, 'restarted'), restarted_ports: sorted(restarted) };
  }

  private async restartOne(
    id: string,
    options: RestartProgramDto,
    targets: Targets,
  ): Promise<ActionResultDto> {
    const port = targets.ports[0]!;
    const started = await this.restartInstance(id, port, options);
    return {
      success: true,
      message: targets.port ? 'Program instance restarted' : 'Program restarted',
      ...portOf(targets),
      status: started.status,
      pid: started.pid,
      ...(started.readyAfterMs !== null && { ready_after_ms: started.readyAfterMs }),
      ...(targets.withList && { restarted_ports: [port].filter(Boolean) }),
    };
  }

  private async restartInstance(id: string, port: number, options: RestartProgramDto) {
    const { wait_for } = options;
    const { program, newlyWanted } = await this.wantRunning(id, port ? { port, wait_for } : { wait_for });
    const instance = { owner: id, port };
    return await this.keepingIntent(id, port, newlyWanted, async () => {
      const patienceMs = (program.stop_seconds + STOP_PATIENCE_S) * 1000;
      await inTime(this.runner.stop(instance), patienceMs, () => this.stopTimeout(id, port));
      return options.wait === false
        ? await this.starter.startOnly(program, port)
        : await this.starter.startAndWait(program, port, requestOf(options));
    });
  }

  private async startFleet(
    program: StoredProgram,
    targets: Targets,
    newlyWanted: number[],
    startOne: (port: number) => Promise<{ wasRunning: boolean }>,
  ): Promise<ActionResultDto> {
    const started: number[] = [];
    const errors: InstanceError[] = [];
    const tryOne = async (port: number) => {
      try {
        const { wasRunning } = await this.keepingIntent(program.id, port, newlyWanted, () => startOne(port));
        if (!wasRunning) started.push(port);
      } catch (error) {
        errors.push({ port, error });
      }
    };
    await Promise.all(targets.ports.map(tryOne));
    if (errors.length === 0)
      return { success: true, message: fleetMessage(targets, 'started'), started_ports: sorted(started) };
    throw fleetError(errors, sorted(started));
  }

  private async wantRunning(id: string, options: TargetOptions & Pick<StartProgramDto, 'wait_for'>) {
    return await this.locks.forOne(id, async () => {
      const program = this.repository.program(id);
      const targets = targetsOf(program, options);
      assertWaitable(program, options);
      if (!program.enabled) throw programDisabled(program);
      this.gateway.requireConnection();
      const newlyWanted = await this.desired.want(id, targets.ports);
      return { program: this.repository.program(id), targets, newlyWanted };
    });
  }

  /** A start that was answered with a failure is not wanted any longer; one that goes on is. */
  private async keepingIntent<T>(
    id: string,
    port: number,
    newlyWanted: number[],
    start: () => Promise<T>,
  ): Promise<T> {
    try {
      return await start();
    } catch (error) {
      const code = error instanceof DaemonError ? error.code : null;
      if (code === 'START_FAILED' || (code !== 'START_TIMEOUT' && newlyWanted.includes(port)))
        await this.desired.unwant(id, [port]).catch(() => undefined);
      throw error;
    }
  }

  private isActive(program: StoredProgram, port: number): boolean {
    return program.enabled && isActive(this.board.status({ owner: program.id, port }).status);
  }

  private stopping(id: string, targets: Targets, running: number[]): ActionResultDto {
    if (targets.isFleet)
      return { success: true, message: fleetMessage(targets, 'stopping'), stopped_ports: running };
    const port = targets.ports[0]!;
    const status: PublicState =
      running.length > 0 ? this.board.status({ owner: id, port }).status : 'STOPPED';
    return {
      success: true,
      message: targets.port ? 'Program instance stopping' : 'Program stopping',
      ...portOf(targets),
      status: status === 'RUNNING' || status === 'STARTING' ? 'STOPPING' : status,
      ...(targets.withList && { stopped_ports: running.filter(Boolean) }),
    };
  }

  private stopTimeout(id: string, port: number): DaemonError {
    const { status } = this.board.status({ owner: id, port });
    return new DaemonError(
      'STOP_TIMEOUT',
      `Program "${id}"${port ? ` on port ${port}` : ''} has not ended yet. It goes on stopping; see its status.`,
      { status },
    );
  }
}

function assertWaitable({ id, port_range }: Program, { wait_for }: Pick<StartProgramDto, 'wait_for'>): void {
  if (wait_for === 'port' && !hasPort(port_range))
    throw invalidFields({
      field: 'wait_for',
      message: `wait_for can't be "port": program "${id}" has no port`,
    });
}

function requestOf(options: StartProgramDto, lane?: StartLane): StartRequest {
  return { timeout: options.timeout ?? null, waitFor: options.wait_for ?? 'running', lane };
}

function portOf({ port }: Targets): { port?: number } {
  return port === null ? {} : { port };
}

function fleetMessage(targets: Targets, done: string): string {
  return targets.isAll ? `All instances ${done}` : `Instances ${done}`;
}

function sorted(ports: number[]): number[] {
  return [...ports].sort((a, b) => a - b);
}

interface InstanceError {
  port: number;
  error: unknown;
}

function failuresOf(errors: InstanceError[]): FailedInstanceDto[] {
  return errors
    .map(({ port, error }) => ({ port, error: error instanceof Error ? error.message : String(error) }))
    .sort((a, b) => a.port - b.port);
}

/** START_FAILED, unless it is not about the instances (supervisord gone, say). */
function codeOfRestart(errors: InstanceError[]): ErrorCode {
  const codes = errors.map(({ error }) => (error instanceof DaemonError ? error.code : 'INTERNAL_ERROR'));
  return codes.find((code) => !code.startsWith('START_') && !code.startsWith('STOP_')) ?? 'START_FAILED';
}

/** Failures outweigh timeouts; what is not about one instance (supervisord gone, say) is thrown as it is. */
function fleetError(errors: InstanceError[], startedPorts: number[]): unknown {
  const codes = errors.map(({ error }) => (error instanceof DaemonError ? error.code : null));
  const other = codes.findIndex((code) => code !== 'START_FAILED' && code !== 'START_TIMEOUT');
  if (other >= 0) return errors[other]!.error;
  const code = codes.includes('START_FAILED') ? 'START_FAILED' : 'START_TIMEOUT';
  const failed = failuresOf(errors);
  return new DaemonError(
    code,
    `${failed.length} of ${failed.length + startedPorts.length} instances did not start: port ${failed[0]!.port}: ${failed[0]!.error}`,
    {
      started_ports: startedPorts,
      failed,
    },
  );
}

/** Rejects with `late()` when `patienceMs` is over; the work goes on. */
async function inTime<T>(work: Promise<T>, patienceMs: number, late: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), patienceMs);
  });
  work.catch(() => undefined);
  return await Promise.race([work, timeout]).finally(() => clearTimeout(timer));
}
