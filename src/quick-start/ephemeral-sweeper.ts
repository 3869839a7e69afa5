import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { ConfigRepository } from '../config-store/config-repository';
import type { EphemeralProgram } from '../domain/program';
import { SETTINGS, type Settings } from '../settings/settings';
import { groupName, instanceOfGroup } from '../supervisor/instance';
import type { ProcessInfo } from '../supervisor/process-mirror';
import { SupervisorGateway } from '../supervisor/supervisor-gateway';
import { instanceOf, QuickStartService } from './quick-start.service';

const LOOK_EVERY_MS = 250;
/** Of the ended ones so many stay listed, whatever the retention time: each is a group in supervisord. */
const MAX_ENDED = 1000;

/** Notes the end of ephemeral programs, and cleans up those whose time is over. */
@Injectable()
export class EphemeralSweeper implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('QuickStart');
  private readonly cleaning = new Set<string>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly repository: ConfigRepository,
    private readonly gateway: SupervisorGateway,
    private readonly quickStart: QuickStartService,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {
    gateway.mirror.onChange(({ group, after, time }) => {
      const owner = instanceOfGroup(group)?.owner;
      if (owner?.startsWith('eph-') && hasEnded(after)) this.noteEnd(owner, time);
    });
  }

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => this.sweep(), LOOK_EVERY_MS).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  private noteEnd(id: string, time: number): void {
    const ended_at = new Date(time).toISOString();
    this.repository
      .updateEphemerals((programs) =>
        programs.some((program) => program.temporary_id === id && program.ended_at === null)
          ? programs.map((program) => (program.temporary_id === id ? { ...program, ended_at } : program))
          : programs,
      )
      .catch((error: Error) => this.logger.warn(`Cannot note the end of "${id}": ${error.message}`));
  }

  private sweep(): void {
    if (this.gateway.trouble !== null) return;
    const now = Date.now();
    const programs = this.repository.ephemerals();
    for (const program of programs)
      if (program.ended_at === null && hasEnded(this.gateway.mirror.get(groupName(instanceOf(program)))))
        this.noteEnd(program.temporary_id, now);
    const surplus = programs.filter(({ ended_at }) => ended_at !== null).length - MAX_ENDED;
    const oldest = surplus > 0 ? programs.filter(({ ended_at }) => ended_at !== null).slice(0, surplus) : [];
    for (const program of [...programs.filter((one) => this.isDue(one, now)), ...oldest])
      void this.cleanUp(program.temporary_id);
  }

  private isDue({ expires_at, ended_at }: EphemeralProgram, now: number): boolean {
    if (expires_at !== null && Date.parse(expires_at) <= now) return true;
    return ended_at !== null && Date.parse(ended_at) + this.settings.ephemeralRetention * 1000 <= now;
  }

  private async cleanUp(id: string): Promise<void> {
    if (this.cleaning.has(id)) return;
    this.cleaning.add(id);
    try {
      await this.quickStart.stop(id);
    } catch (error) {
      this.logger.warn(`Cannot clean up "${id}": ${(error as Error).message}`);
    } finally {
      this.cleaning.delete(id);
    }
  }
}

/** Ran, and does not any more. */
function hasEnded(info: ProcessInfo | null | undefined): boolean {
  if (!info || info.startedAt === null) return false;
  return info.state === 'EXITED' || info.state === 'FATAL' || info.state === 'STOPPED';
}
