import { Injectable } from '@nestjs/common';
import { ConfigRepository } from '../config-store/config-repository';
import { LogReader } from '../logs/log-reader';
import { groupName } from '../supervisor/instance';
import { definitionOfEphemeral } from '../supervisor/process-definition';
import { SupervisorGateway } from '../supervisor/supervisor-gateway';
import type { DesiredProgram } from './plan';

/** Ephemeral programs do not survive another supervisord, nor a service that died before it had started them. */
@Injectable()
export class EphemeralCleaner {
  constructor(
    private readonly repository: ConfigRepository,
    private readonly gateway: SupervisorGateway,
    private readonly logs: LogReader,
  ) {}

  async cleanUp(): Promise<void> {
    const { epoch, mirror } = this.gateway;
    const gone = this.repository.ephemerals().filter((program) => {
      const { owner, ports } = definitionOfEphemeral(program);
      const info = mirror.get(groupName({ owner, port: ports[0]! }));
      return program.epoch !== epoch || info === undefined || info.startedAt === null;
    });
    const ids = new Set(gone.map((program) => program.temporary_id));
    if (ids.size > 0)
      await this.repository.updateEphemerals((programs) => programs.filter((p) => !ids.has(p.temporary_id)));
    for (const id of ids) await this.logs.remove(id);
    for (const program of this.repository.ephemerals())
      await this.gateway.register(definitionOfEphemeral(program));
  }

  /** They are never started again. */
  desired(): DesiredProgram[] {
    return this.repository.ephemerals().map((program) => {
      const { owner, ports, priority } = definitionOfEphemeral(program);
      return { owner, ports, wanted: ports, priority, delaySeconds: 0 };
    });
  }
}
