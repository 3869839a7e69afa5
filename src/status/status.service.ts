import { Injectable } from '@nestjs/common';
import { ConfigRepository } from '../config-store/config-repository';
import { hasPort, includesPort, instancePorts } from '../domain/port-range';
import type { Program } from '../domain/program';
import { InstanceBoard } from '../instances/instance-board';
import { ProcessStats } from '../process-table/process-stats';
import type { StatusDto } from './dto/status.dto';
import { statusOf, statusOfInstance, type StatsByPid } from './program-status';

/** Uptimes grow by the second, so a prepared answer is good for less than that. */
const PREPARED_FOR_MS = 200;

/** What the programs are doing; read from memory alone. */
@Injectable()
export class StatusService {
  private prepared: { json: Buffer; revision: number; programs: readonly Program[]; at: number } | null =
    null;

  constructor(
    private readonly repository: ConfigRepository,
    private readonly board: InstanceBoard,
    private readonly stats: ProcessStats,
  ) {}

  /** The JSON of all programs' states, serialised once for all who ask at about the same time. */
  all(): Buffer {
    const programs = this.repository.programs();
    const { revision } = this.board;
    const now = Date.now();
    const { prepared } = this;
    const isCurrent =
      prepared?.revision === revision &&
      prepared.programs === programs &&
      now - prepared.at < PREPARED_FOR_MS;
    if (isCurrent) return prepared.json;
    const json = Buffer.from(JSON.stringify(programs.map((program) => statusOf(program, this.board))));
    this.prepared = { json, revision, programs, at: now };
    return json;
  }

  /** @param port only programs with this port; of several instances only that one */
  async list(port: number | undefined, includeStats: boolean): Promise<StatusDto[]> {
    const programs = this.repository
      .programs()
      .filter((program) => port === undefined || holds(program, port));
    const stats = includeStats ? await this.statsOf(programs) : null;
    return programs.map((program) => statusOf(program, this.board, stats, port));
  }

  async one(program: Program, port: number | undefined, includeStats: boolean): Promise<StatusDto> {
    const stats = includeStats ? await this.statsOf([program]) : null;
    return statusOf(program, this.board, stats, port);
  }

  /** One look at the system for all of them. */
  async statsOf(programs: readonly Program[]): Promise<StatsByPid> {
    const pids = programs.flatMap((program) =>
      instancePorts(program.port_range).map((port) => statusOfInstance(program, port, this.board).pid),
    );
    return await this.stats.statsOf(pids.filter((pid) => pid !== null));
  }
}

function holds(program: Program, port: number): boolean {
  return hasPort(program.port_range) && includesPort(program.port_range, port);
}
