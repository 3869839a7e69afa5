import { Injectable, Logger } from '@nestjs/common';
import { ConfigRepository } from '../config-store/config-repository';
import { DaemonError } from '../domain/errors';
import type { StoredProgram } from '../domain/program';
import { ChangeFeed } from '../events/change-feed';
import { forEachLimited } from '../instances/concurrency';
import { ProgramLocks } from '../instances/program-locks';
import { wantedAtBoot } from '../reconcile/boot-modes';
import { Reconciler } from '../reconcile/reconciler';
import { SupervisorGateway } from '../supervisor/supervisor-gateway';
import type { BackupDto, ResetDto } from './dto/program-results.dto';
import { ProgramLifecycle } from './program-lifecycle';

const PROGRAMS_AT_ONCE = 20;

/** Replaces all programs at once, by the defaults or by a backup; what was there before is kept as a backup. */
@Injectable()
export class ProgramResetService {
  private readonly logger = new Logger('Programs');

  constructor(
    private readonly repository: ConfigRepository,
    private readonly gateway: SupervisorGateway,
    private readonly locks: ProgramLocks,
    private readonly lifecycle: ProgramLifecycle,
    private readonly reconciler: Reconciler,
    private readonly feed: ChangeFeed,
  ) {}

  async reset(): Promise<ResetDto> {
    const defaults = wantedAtBoot(
      this.repository.defaults().map((program) => ({ ...program, wanted: [], previous: null })),
    );
    const backup = await this.replaceAll(defaults, 'reset');
    return {
      success: true,
      message: 'Programs reset to defaults',
      actions_performed: [
        'stopped all managed programs',
        'removed supervisord configs',
        'applied programs.default.json',
      ],
      programs_count: defaults.length,
      backup,
    };
  }

  async restore(backupName: string): Promise<ResetDto> {
    const programs = (await this.repository.readBackup(backupName)).map((p) => ({
      ...p,
      wanted: [],
      previous: null,
    }));
    const backup = await this.replaceAll(programs, 'restored');
    return {
      success: true,
      message: 'Programs restored from backup',
      actions_performed: [
        'stopped all managed programs',
        'removed supervisord configs',
        `applied ${backupName}`,
      ],
      programs_count: programs.length,
      backup,
    };
  }

  async backups(): Promise<BackupDto[]> {
    const names = await this.repository.backups();
    return names.map((backup) => ({ backup, created_at: timeIn(backup) }));
  }

  private async replaceAll(
    next: readonly StoredProgram[],
    action: 'reset' | 'restored',
  ): Promise<string | null> {
    return await this.locks.forAll(async () => {
      this.gateway.requireConnection();
      const before = this.repository.problem ? [] : this.repository.programs();
      const backup = await this.repository.replaceAll(next);
      await forEachLimited(before, PROGRAMS_AT_ONCE, async (program) => {
        await this.lifecycle.retire(program);
        await this.lifecycle.endLogs(program, false);
        this.lifecycle.forget(program);
      }).catch((error: unknown) => {
        throw incomplete(error);
      });
      // Also what ran on while programs.json could not be used.
      await this.reconciler.bringAbout();
      this.feed.publishConfig(action, null);
      this.logger.log(
        `All programs were replaced (${action}); the state before is in ${backup ?? 'no file'}`,
      );
      return backup;
    });
  }
}

/** The configuration is replaced; what could not be stopped is taken away by the next reconciliation. */
function incomplete(error: unknown): unknown {
  if (!(error instanceof DaemonError)) return error;
  return new DaemonError(
    error.code,
    `The programs were replaced, but not all that ran could be stopped: ${error.message}`,
    error.extra,
  );
}

function timeIn(backup: string): string {
  const match = /backup-(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d)-(\d{3})/.exec(backup);
  return match ? `${match[1]}T${match[2]}:${match[3]}:${match[4]}.${match[5]}Z` : '';
}
