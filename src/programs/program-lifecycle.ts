import { Injectable } from '@nestjs/common';
import { ConfigRepository } from '../config-store/config-repository';
import { instancePorts } from '../domain/port-range';
import type { Program } from '../domain/program';
import { ChangeFeed } from '../events/change-feed';
import { forEachLimited } from '../instances/concurrency';
import { InstanceBoard } from '../instances/instance-board';
import { InstanceRunner } from '../instances/instance-runner';
import { LogReader } from '../logs/log-reader';
import { definitionOf } from '../supervisor/process-definition';
import { SupervisorGateway } from '../supervisor/supervisor-gateway';
import { withProgram } from '../config-store/program-changes';

const STOPS_AT_ONCE = 100;

/** The steps that changes of a program are made of. Callers hold its lock. */
@Injectable()
export class ProgramLifecycle {
  constructor(
    private readonly repository: ConfigRepository,
    private readonly gateway: SupervisorGateway,
    private readonly board: InstanceBoard,
    private readonly runner: InstanceRunner,
    private readonly logs: LogReader,
    private readonly feed: ChangeFeed,
  ) {}

  /** Tells supervisord of it; what it showed of earlier failures is over. */
  async register(program: Program): Promise<void> {
    await this.gateway.register(definitionOf(program));
    for (const port of instancePorts(program.port_range)) {
      const instance = { owner: program.id, port };
      if (this.board.status(instance).status === 'FATAL') await this.runner.stop(instance);
    }
  }

  /** Stops it and takes it away from supervisord. */
  async retire(program: Program): Promise<{ wasRunning: boolean; wasThere: boolean }> {
    if (!program.enabled) return { wasRunning: false, wasThere: false };
    const stopped = await this.stopAll(program, instancePorts(program.port_range));
    return { wasRunning: stopped.length > 0, wasThere: await this.gateway.unregister(program.id) };
  }

  /** @returns the ports whose instance ran */
  async stopAll(program: Program, ports: readonly number[]): Promise<number[]> {
    const stopped: number[] = [];
    await forEachLimited(ports, STOPS_AT_ONCE, async (port) => {
      if (await this.runner.stop({ owner: program.id, port })) stopped.push(port);
    });
    return stopped;
  }

  async enable(id: string): Promise<void> {
    const program = this.repository.program(id);
    if (program.enabled) return;
    this.gateway.requireConnection();
    const save = (enabled: boolean) =>
      this.repository.updatePrograms((programs) => withProgram(programs, id, (p) => ({ ...p, enabled })));
    await save(true);
    try {
      await this.register({ ...program, enabled: true });
    } catch (error) {
      await save(false);
      throw error;
    }
    this.feed.publishConfig('enabled', id);
  }

  async disable(id: string): Promise<{ wasRunning: boolean; wasThere: boolean }> {
    const program = this.repository.program(id);
    if (!program.enabled) return { wasRunning: false, wasThere: false };
    this.gateway.requireConnection();
    await this.repository.updatePrograms((programs) =>
      withProgram(programs, id, (p) => ({ ...p, enabled: false, wanted: [] })),
    );
    try {
      const retired = await this.retire(program);
      this.forget(program);
      this.feed.publishConfig('disabled', id);
      return retired;
    } catch (error) {
      await this.repository.updatePrograms((programs) => withProgram(programs, id, () => program));
      throw error;
    }
  }

  /** Those who follow its logs are told that there will be no more. */
  async endLogs(program: Program, keepFiles: boolean): Promise<void> {
    if (!keepFiles) await this.logs.remove(program.id);
    // Not waited for: a slow client must not hold up the removal.
    else void this.logs.endStreams(program.id);
  }

  /** The end of instances that the program no longer has. */
  async dropInstances(id: string, ports: readonly number[]): Promise<void> {
    for (const port of ports) {
      this.board.forget({ owner: id, port });
      await this.logs.remove(id, port);
    }
  }

  forget(program: Program): void {
    for (const port of instancePorts(program.port_range)) this.board.forget({ owner: program.id, port });
  }
}
