import { ProgramEditFieldsDto, ProgramFieldsDto } from '../../validation/program-fields.dto';
import { IsQueryFlag, IsQueryInteger } from '../../validation/query-rules';
import { IsFlag, Optional } from '../../validation/value-rules';

/** A new program. What is not sent has its default. */
export class AddProgramDto extends ProgramFieldsDto {}

/** A partial update: what is not sent keeps its value. `environment` and `port_range` are replaced whole. */
export class EditProgramDto extends ProgramEditFieldsDto {
  /**
   * Apply the change to a running program: what runs is stopped, changed and started again. If the new version
   * does not come up, the old one is put back.
   */
  @IsFlag()
  @Optional(false)
  restart?: boolean | null;
}

export class DryRunQueryDto {
  /** Check everything and answer what would change, without doing it. */
  @IsQueryFlag(false)
  dry_run?: boolean;
}

export class RemoveQueryDto {
  /** Keep the log files. */
  @IsQueryFlag(false)
  keep_logs?: boolean;
}

export class ListProgramsQueryDto {
  /** Only enabled, or only disabled, programs. */
  @IsQueryFlag()
  enabled?: boolean;

  /** Only programs that come, or that do not come, from programs.default.json. */
  @IsQueryFlag()
  hoody_kit?: boolean;

  /** Only the program with this port in its range. */
  @IsQueryInteger(1, 65_535)
  port?: number;

  /** With `port_to`: only programs whose range overlaps this one. */
  @IsQueryInteger(1, 65_535)
  port_from?: number;

  /** With `port_from`. */
  @IsQueryInteger(1, 65_535)
  port_to?: number;

  /** Add `status` to each program. */
  @IsQueryFlag(false)
  include_status?: boolean;

  /** Add `status` and `stats` to each program. */
  @IsQueryFlag(false)
  include_stats?: boolean;
}
