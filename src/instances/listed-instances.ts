import { Injectable } from '@nestjs/common';
import { ConfigRepository } from '../config-store/config-repository';
import { instancePorts } from '../domain/port-range';
import type { CurrentStates, StateSnapshotItem } from '../events/current-states';
import type {
  InstanceMetrics,
  InstanceMetricsSource,
  ProcessTreeStats,
} from '../metrics/instance-metrics-source';
import { ProcessStats } from '../process-table/process-stats';
import type { Instance } from '../supervisor/instance';
import { SupervisorGateway } from '../supervisor/supervisor-gateway';
import type { FailureDetails, FailureReport } from '../webhooks/failure-details';
import { InstanceBoard, NEVER_STARTED, type InstanceStatus } from './instance-board';

/** All instances that the API lists, for the event stream, the metrics and the webhooks. */
@Injectable()
export class ListedInstances implements CurrentStates, InstanceMetricsSource, FailureDetails {
  constructor(
    private readonly repository: ConfigRepository,
    private readonly gateway: SupervisorGateway,
    private readonly board: InstanceBoard,
    private readonly processStats: ProcessStats,
  ) {}

  *currentStates(): Iterable<StateSnapshotItem> {
    for (const [{ owner, port }, { status, pid, exitStatus, failure }] of this.all())
      yield {
        program: owner,
        port: port || null,
        state: status,
        pid,
        exit_status: pid === null ? exitStatus : null,
        spawn_error: failure?.spawnError ?? null,
      };
  }

  *instances(): Iterable<InstanceMetrics> {
    for (const [{ owner, port }, { status, pid, startedAt }] of this.all())
      yield { program: owner, port: port || null, status, pid, started_at_ms: startedAt };
  }

  stats(pids: number[]): Promise<ReadonlyMap<number, ProcessTreeStats>> {
    return this.processStats.statsOf(pids);
  }

  connected(): boolean {
    return this.gateway.mirror.connected;
  }

  mode(): 'bridge' | 'polling' {
    return this.gateway.mode;
  }

  async failureOf(program: string, port: number | null): Promise<FailureReport | null> {
    const instance = { owner: program, port: port ?? 0 };
    await this.board.explained(instance);
    const { failure } = this.board.status(instance);
    return failure && { diagnosis: failure.diagnosis?.message ?? failure.spawnError, stderr: failure.stderr };
  }

  private *all(): Iterable<[Instance, InstanceStatus]> {
    const programs = this.repository.problem ? [] : this.repository.programs();
    for (const { id, enabled, port_range } of programs)
      for (const port of instancePorts(port_range)) {
        const instance = { owner: id, port };
        yield [instance, enabled ? this.board.status(instance) : NEVER_STARTED];
      }
    for (const { temporary_id, port_range } of this.repository.ephemerals()) {
      const instance = { owner: temporary_id, port: port_range.start };
      yield [instance, this.board.status(instance)];
    }
  }
}
