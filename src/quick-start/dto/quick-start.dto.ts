import { ApiProperty, PickType } from '@nestjs/swagger';
import { PUBLIC_STATES, type PublicState } from '../../domain/states';
import { ProgramFieldsDto } from '../../validation/program-fields.dto';
import { IsText } from '../../validation/text-rules';
import { IsFlag, IsInteger, Optional } from '../../validation/value-rules';

/** A program to run once. */
export class QuickStartDto extends PickType(ProgramFieldsDto, [
  'command',
  'user',
  'directory',
  'environment',
  'port_range',
  'stop_signal',
  'stop_seconds',
  'log_max_bytes',
]) {
  /**
   * For people; need not be unique.
   * @example "nightly import"
   */
  @IsText(1, 128)
  @Optional()
  name?: string | null;

  /** Seconds after which it is stopped and cleaned up. */
  @IsInteger(1, 86_400)
  @Optional()
  ttl?: number | null;

  /** Answer when it has ended, with its exit status and output. */
  @IsFlag()
  @Optional(false)
  wait_for_exit?: boolean | null;

  /** Seconds to wait with `wait_for_exit`. */
  @IsInteger(1, 600)
  @Optional(30)
  timeout?: number | null;
}

export class QuickStartedDto {
  /** @example true */
  success: true;

  /** @example "eph-abc123def456" */
  temporary_id: string;

  /** @example "Ephemeral program started" */
  message: string;

  @ApiProperty({ enum: PUBLIC_STATES, enumName: 'ProgramState', example: 'RUNNING' })
  status: PublicState;

  @ApiProperty({ type: 'integer', nullable: true, example: 12347 })
  pid: number | null;

  /** Only with `wait_for_exit`, when it has ended. */
  @ApiProperty({ type: 'integer', required: false, example: 0 })
  exit_status?: number;

  /** Only with `wait_for_exit`: its last 100 lines so far. */
  stdout?: string;

  /** Only with `wait_for_exit`: its last 100 lines so far. */
  stderr?: string;

  /** It still runs: the time to wait is over. */
  timed_out?: true;
}

class EphemeralRuntimeDto {
  /** @example "eph-abc123def456" */
  temporary_id: string;

  /** @example "nightly import" */
  name: string | null;

  /** @example "python3 /app/scripts/data-migration.py --batch=1000" */
  command: string;

  /** @example "app" */
  user: string;

  @ApiProperty({ enum: PUBLIC_STATES, enumName: 'ProgramState', example: 'RUNNING' })
  status: PublicState;

  @ApiProperty({ type: 'integer', nullable: true, example: 12347, description: 'null when it does not run.' })
  pid: number | null;

  @ApiProperty({ type: 'integer', example: 120, description: 'Seconds; 0 when it does not run.' })
  uptime: number;

  @ApiProperty({ type: 'integer', example: 0, description: '0 while it runs; 128 + N after signal N.' })
  exit_status: number;

  /** When it was started; ISO 8601 UTC. */
  created_at: string;

  /** When its `ttl` is over; ISO 8601 UTC, or null. */
  expires_at: string | null;

  /** It has ended by itself, and is listed until it is stopped or the retention time is over. */
  pending_cleanup: boolean;
}

/** An ephemeral program in the list. */
export class EphemeralProgramDto extends EphemeralRuntimeDto {}

/** The state of an ephemeral program. */
export class EphemeralStatusDto extends EphemeralRuntimeDto {
  /** Why it ended, when that was not with exit status 0. */
  spawn_error?: string;
}

export class EphemeralStoppedDto {
  /** @example true */
  success: true;

  /** @example "Ephemeral program stopped and removed" */
  message: string;

  /**
   * What was really done.
   * @example ["stopped via supervisorctl", "deleted supervisord config", "removed from ephemeral.json"]
   */
  actions_performed: string[];
}
