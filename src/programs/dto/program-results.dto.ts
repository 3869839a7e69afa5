import { ApiProperty, type ApiPropertyOptions } from '@nestjs/swagger';
import { ProgramDto } from './program.dto';

/** Without a word about it the document would say that it is an object. */
const ANY_VALUE: ApiPropertyOptions = {
  oneOf: [
    { type: 'string' },
    { type: 'number' },
    { type: 'boolean' },
    { type: 'object', additionalProperties: true },
  ],
  nullable: true,
};

/** A field that an edit changes. */
export class FieldChangeDto {
  /** @example "command" */
  field: string;

  @ApiProperty({ ...ANY_VALUE, description: 'The value now; absent for a new program.', required: false })
  from?: unknown;

  @ApiProperty({ ...ANY_VALUE, description: 'The value afterwards.' })
  to: unknown;
}

export class ProgramChangedDto {
  /** @example true */
  success: true;

  /** @example "Program updated" */
  message: string;

  program: ProgramDto;

  /** Ports whose instance was restarted (0 for a program without a port); only with `restart`. */
  @ApiProperty({ type: 'integer', isArray: true, required: false })
  restarted_ports?: number[];

  /** Nothing was done; only with `dry_run`. */
  @ApiProperty({ required: false })
  dry_run?: boolean;

  /** What would change, field by field; only with `dry_run`. */
  @ApiProperty({ type: FieldChangeDto, isArray: true, required: false })
  changes?: FieldChangeDto[];

  /** The instances that would be restarted (0 for a program without a port); only with `dry_run`. */
  @ApiProperty({ type: 'integer', isArray: true, required: false })
  would_restart?: number[];
}

export class ProgramRemovedDto {
  /** @example true */
  success: true;

  /** @example "Program removed permanently" */
  message: string;

  was_running: boolean;
}

export class ProgramEnabledDto {
  /** @example true */
  success: true;

  /** @example "Program enabled and registered with supervisord" */
  message: string;
}

export class ProgramDisabledDto {
  /** @example true */
  success: true;

  /** @example "Program disabled" */
  message: string;

  was_running: boolean;

  /**
   * What was really done.
   * @example ["stopped", "removed from supervisord"]
   */
  actions: string[];
}

export class ResetDto {
  /** @example true */
  success: true;

  /** @example "Programs reset to defaults" */
  message: string;

  /** @example ["stopped all managed programs", "removed supervisord configs", "applied programs.default.json"] */
  actions_performed: string[];

  @ApiProperty({ type: 'integer', example: 5 })
  programs_count: number;

  /**
   * The file that holds the state before, for `POST /programs/restore`; null when there was none.
   * @example "programs.backup-2025-01-15T10-30-00-000Z.json"
   */
  backup: string | null;
}

export class BackupDto {
  /** @example "programs.backup-2025-01-15T10-30-00-000Z.json" */
  backup: string;

  /** When it was made; ISO 8601 UTC. */
  created_at: string;
}
