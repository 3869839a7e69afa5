import { Injectable } from '@nestjs/common';
import { ConfigRepository } from '../config-store/config-repository';
import { invalidFields } from '../domain/errors';
import { hasPort, includesPort, overlaps } from '../domain/port-range';
import type { Program, StoredProgram } from '../domain/program';
import { ChangeFeed } from '../events/change-feed';
import { ProgramLocks } from '../instances/program-locks';
import { statusOf } from '../status/program-status';
import { StatusService } from '../status/status.service';
import { SupervisorGateway } from '../supervisor/supervisor-gateway';
import { InstanceBoard } from '../instances/instance-board';
import { programFromFields } from '../validation/program-from-fields';
import { idOfName } from '../validation/program-id';
import type { AddProgramDto, ListProgramsQueryDto } from './dto/program-input.dto';
import { programDtoOf, type ListedProgramDto, type ProgramDto } from './dto/program.dto';
import type {
  ProgramChangedDto,
  ProgramDisabledDto,
  ProgramEnabledDto,
  ProgramRemovedDto,
} from './dto/program-results.dto';
import { assertNoConflict, putBack, withoutProgram } from '../config-store/program-changes';
import { ProgramChecks } from './program-checks';
import { ProgramLifecycle } from './program-lifecycle';

/** The programs' configuration: look at it, add to it, take from it. */
@Injectable()
export class ProgramsService {
  constructor(
    private readonly repository: ConfigRepository,
    private readonly gateway: SupervisorGateway,
    private readonly board: InstanceBoard,
    private readonly status: StatusService,
    private readonly locks: ProgramLocks,
    private readonly checks: ProgramChecks,
    private readonly lifecycle: ProgramLifecycle,
    private readonly feed: ChangeFeed,
  ) {}

  async list(query: ListProgramsQueryDto, showSecrets: boolean): Promise<ListedProgramDto[]> {
    const programs = this.repository.programs().filter(matching(query));
    const stats = query.include_stats ? await this.status.statsOf(programs) : null;
    const withStatus = query.include_status || query.include_stats;
    return programs.map((program) => {
      const shown = programDtoOf(program, showSecrets);
      if (!withStatus) return shown;
      const status = statusOf(program, this.board, stats);
      return { ...shown, status, ...(stats && 'stats' in status && { stats: status.stats }) };
    });
  }

  get(id: string, showSecrets: boolean): ProgramDto {
    return programDtoOf(this.repository.program(id), showSecrets);
  }

  async add(fields: AddProgramDto, isDryRun: boolean): Promise<ProgramChangedDto> {
    const id = idOfName(fields.name);
    const program = programFromFields(fields, { id, hoody_kit: false });
    return await this.locks.forOne(id, async () => {
      // The name first: who adds a program twice is told that, not that its port is taken.
      const stored: StoredProgram = { ...program, wanted: [], previous: null };
      assertNoConflict(this.repository.programs(), stored);
      await this.checks.assertValid(program);
      if (program.enabled) this.gateway.requireConnection();
      if (isDryRun) return await this.dryAdd(program);
      await this.repository.updatePrograms((programs) => {
        assertNoConflict(programs, stored);
        return [...programs, stored];
      });
      if (program.enabled) {
        try {
          await this.lifecycle.register(program);
        } catch (error) {
          await this.repository.updatePrograms((programs) => withoutProgram(programs, id));
          throw error;
        }
      }
      this.feed.publishConfig('added', id);
      return { success: true, message: 'Program added successfully', program: programDtoOf(program, true) };
    });
  }

  async remove(id: string, keepLogs: boolean): Promise<ProgramRemovedDto> {
    return await this.locks.forOne(id, async () => {
      const program = this.repository.program(id);
      if (program.enabled) this.gateway.requireConnection();
      const before = this.repository.programs();
      await this.repository.updatePrograms((programs) => withoutProgram(programs, id));
      try {
        const { wasRunning } = await this.lifecycle.retire(program);
        await this.lifecycle.endLogs(program, keepLogs);
        this.lifecycle.forget(program);
        this.feed.publishConfig('removed', id);
        return { success: true, message: 'Program removed permanently', was_running: wasRunning };
      } catch (error) {
        await this.repository.updatePrograms((programs) => putBack(programs, program, before));
        throw error;
      }
    });
  }

  async enable(id: string): Promise<ProgramEnabledDto> {
    await this.locks.forOne(id, () => this.lifecycle.enable(id));
    return { success: true, message: 'Program enabled and registered with supervisord' };
  }

  async disable(id: string): Promise<ProgramDisabledDto> {
    const { wasRunning, wasThere } = await this.locks.forOne(id, () => this.lifecycle.disable(id));
    return {
      success: true,
      message: 'Program disabled',
      was_running: wasRunning,
      actions: [...(wasRunning ? ['stopped'] : []), ...(wasThere ? ['removed from supervisord'] : [])],
    };
  }

  private async dryAdd(program: Program): Promise<ProgramChangedDto> {
    await this.checks.assertAcceptable(program);
    const shown = programDtoOf(program, true);
    return {
      success: true,
      message: 'Program can be added; nothing was changed (dry run)',
      dry_run: true,
      program: shown,
      changes: Object.entries(shown).map(([field, to]) => ({ field, to: to as unknown })),
      would_restart: [],
    };
  }
}

function matching(query: ListProgramsQueryDto): (program: StoredProgram) => boolean {
  const { enabled, hoody_kit, port, port_from, port_to } = query;
  if ((port_from === undefined) !== (port_to === undefined))
    throw invalidFields({
      field: port_from === undefined ? 'port_from' : 'port_to',
      message: 'port_from and port_to go together',
    });
  if (port_from !== undefined && port_to !== undefined && port_from > port_to)
    throw invalidFields({ field: 'port_from', message: 'port_from must not be above port_to' });
  const range = { start: port_from ?? 0, end: port_to ?? 0 };
  return (program) =>
    (enabled === undefined || program.enabled === enabled) &&
    (hoody_kit === undefined || program.hoody_kit === hoody_kit) &&
    (port === undefined || (hasPort(program.port_range) && includesPort(program.port_range, port))) &&
    (port_from === undefined || overlaps(program.port_range, range));
}
