import { instancePorts, isMultiInstance } from '../domain/port-range';
import type { Program } from '../domain/program';
import { NEVER_STARTED, type InstanceBoard, type InstanceStatus } from '../instances/instance-board';
import type { InstanceStatusDto, StatsDto, StatusDto } from './dto/status.dto';

/** Stats by pid; null when they were not asked for. */
export type StatsByPid = ReadonlyMap<number, StatsDto> | null;

/** The object of `GET /status/{id}`: flat for one process, with `instances` for several. */
export function statusOf(
  program: Program,
  board: InstanceBoard,
  stats: StatsByPid = null,
  port?: number,
): StatusDto {
  const { id, name } = program;
  const now = Date.now();
  const runtime = (port: number) => runtimeOf(statusOfInstance(program, port, board), now, stats);
  if (!isMultiInstance(program.port_range)) return { id, name, ...runtime(program.port_range.start) };
  const ports = port === undefined ? instancePorts(program.port_range) : [port];
  return { id, name, instances: ports.map((port) => ({ port, ...runtime(port) })) };
}

/** A disabled program is STOPPED, whatever supervisord says. */
export function statusOfInstance(program: Program, port: number, board: InstanceBoard): InstanceStatus {
  return program.enabled ? board.status({ owner: program.id, port }) : NEVER_STARTED;
}

function runtimeOf(status: InstanceStatus, now: number, stats: StatsByPid): Omit<InstanceStatusDto, 'port'> {
  return {
    status: status.status,
    pid: status.pid,
    uptime: status.startedAt === null ? 0 : Math.max(0, Math.floor((now - status.startedAt) / 1000)),
    exit_status: status.exitStatus,
    ...(status.failure && status.status !== 'RUNNING' && { spawn_error: status.failure.spawnError }),
    ...(stats && { stats: status.pid === null ? null : (stats.get(status.pid) ?? null) }),
  };
}
