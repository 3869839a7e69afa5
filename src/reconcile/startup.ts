import {
  Inject,
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { ConfigRepository } from '../config-store/config-repository';
import { instancePorts } from '../domain/port-range';
import { ChangeJournal } from '../events/change-journal';
import { forEachLimited } from '../instances/concurrency';
import { InstanceBoard } from '../instances/instance-board';
import { InstanceRunner } from '../instances/instance-runner';
import { SETTINGS, type Settings } from '../settings/settings';
import { instanceOfGroup, type Instance } from '../supervisor/instance';
import { isAlive } from '../supervisor/process-mirror';
import { SupervisorGateway } from '../supervisor/supervisor-gateway';
import { Reconciler } from './reconciler';

const STOPS_AT_ONCE = 100;

/** Takes supervisord into use when the service starts, and leaves or ends it when the service stops. */
@Injectable()
export class Startup implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('Startup');

  constructor(
    private readonly repository: ConfigRepository,
    private readonly gateway: SupervisorGateway,
    private readonly board: InstanceBoard,
    private readonly runner: InstanceRunner,
    private readonly reconciler: Reconciler,
    private readonly journal: ChangeJournal,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    this.recall();
    await this.gateway.open();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.reconciler.close();
    if (this.settings.onStop === 'keep') {
      this.logger.log('Programs go on running. "npm run shutdown" ends them and supervisord.');
      await this.gateway.close();
      return;
    }
    await this.shutdown();
  }

  /** Ends all programs, those of a higher priority number first, and an embedded supervisord. */
  async shutdown(): Promise<void> {
    const priorityOf = (instance: Instance) => this.gateway.definition(instance.owner)?.priority ?? 999;
    const running = [...this.gateway.mirror.all()]
      .filter((info) => isAlive(info) || info.state === 'BACKOFF')
      .map((info) => instanceOfGroup(info.group)!);
    for (const priority of [...new Set(running.map(priorityOf))].sort((a, b) => b - a)) {
      const level = running.filter((instance) => priorityOf(instance) === priority);
      await forEachLimited(level, STOPS_AT_ONCE, async (instance) => {
        await this.runner.stop(instance);
      }).catch((error: Error) => this.logger.warn(error.message));
    }
    if (!this.gateway.isAttached) return await this.gateway.shutdown();
    await this.takeLeave();
    await this.gateway.close();
  }

  /** Leaves nothing in somebody else's supervisord that could keep it from starting one day. */
  private async takeLeave(): Promise<void> {
    const owners = new Set([...this.gateway.mirror.all()].map((info) => instanceOfGroup(info.group)!.owner));
    for (const owner of owners)
      await this.gateway.unregister(owner).catch((error: Error) => this.logger.warn(error.message));
  }

  /** What the journal says was last told of each instance; from then on only differences are told. */
  private recall(): void {
    for (const instance of this.listedInstances()) {
      const latest = this.latestOf(instance);
      if (!latest) continue;
      const { to, pid, spawn_error, exit_status } = latest;
      const failure =
        to === 'FATAL' && spawn_error ? { spawnError: spawn_error, diagnosis: null, stderr: [] } : null;
      this.board.recall(instance, to, pid, failure, exit_status ?? 0);
    }
  }

  private latestOf({ owner, port }: Instance) {
    for (const { change } of this.journal.statesOf(owner)) if ((change.port ?? 0) === port) return change;
    return null;
  }

  private listedInstances(): Instance[] {
    const programs = this.repository.problem ? [] : this.repository.programs();
    return [
      ...programs.flatMap(({ id, port_range }) =>
        instancePorts(port_range).map((port) => ({ owner: id, port })),
      ),
      ...this.repository.ephemerals().map((p) => ({ owner: p.temporary_id, port: p.port_range.start })),
    ];
  }
}
