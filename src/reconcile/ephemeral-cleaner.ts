import { Injectable, Logger } from '@nestjs/common';
import { ConfigRepository } from '../config-store/config-repository';
import type { EphemeralProgram } from '../domain/program';
import { LogReader } from '../logs/log-reader';
import { groupName } from '../supervisor/instance';
import { definitionOfEphemeral } from '../supervisor/process-definition';
import { SupervisorGateway } from '../supervisor/supervisor-gateway';
import type { DesiredProgram } from './plan';

/** Ephemeral programs do not survive another supervisord, nor a service that died before it had started them. */
@Injectable()
export class EphemeralCleaner {
  private readonly logger = new Logger('Reconciler');

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
    for (const program of this.repository.ephemerals()) await this.recognise(program);
  }

  /** It runs, or has run; that its user is gone, say, must not matter to the others. */
  private async recognise(program: EphemeralProgram): Promise<void> {
    try {
      await this.gateway.register(definitionOfEphemeral(program));
    } catch (error) {
      this.gateway.requireConnection();
      this.logger.warn(`Ephemeral program "${program.temporary_id}": ${(error as Error).message}`);
    }
  }

  /** They are never started again. */
  desired(): DesiredProgram[] {
    return this.repository.ephemerals().map((program) => {
      const { owner, ports, priority } = definitionOfEphemeral(program);
      return { owner, ports, wanted: ports, priority, delaySeconds: 0 };
    });
  }
}
