import { ApiProperty } from '@nestjs/swagger';
import { IsIn, IsOptional, IsString, Matches } from 'class-validator';
import { PUBLIC_STATES, type PublicState } from '../domain/states';
import type { ConfigAction } from '../domain/changes';

export class EventsQueryDto {
  /**
   * Only events of these programs (ids or temporary ids, separated by commas), and those of all programs.
   * @example 'web-server,worker'
   */
  @IsOptional()
  @IsString()
  @Matches(/^[^,]+(,[^,]+)*$/, { message: 'program must be a list of program ids, separated by commas' })
  program?: string;

  /** Only events of this type. */
  @IsOptional()
  @IsIn(['state', 'config'], { message: 'type must be "state" or "config"' })
  @ApiProperty({ enum: ['state', 'config'], required: false })
  type?: 'state' | 'config';

  /**
   * Resume after this event, for clients that can't send the `Last-Event-ID` header (which wins).
   * @example '1785000000000042'
   */
  @IsOptional()
  @IsString()
  last_event_id?: string;
}

/** Data of a `state` event: an instance went from one state to another. */
export class StateEventDto {
  /** Program id, or temporary id. */
  program: string;

  @ApiProperty({ type: 'integer', nullable: true })
  port: number | null;

  @ApiProperty({ enum: PUBLIC_STATES, enumName: 'ProgramState' })
  from: PublicState;

  @ApiProperty({ enum: PUBLIC_STATES, enumName: 'ProgramState' })
  to: PublicState;

  @ApiProperty({ type: 'integer', nullable: true })
  pid: number | null;

  @ApiProperty({ type: 'integer', nullable: true, description: 'Of the run that ended; null while it runs.' })
  exit_status: number | null;

  @ApiProperty({ type: 'string', nullable: true, description: 'Why it failed, in words; else null.' })
  spawn_error: string | null;

  /** ISO 8601 UTC. */
  time: string;

  @ApiProperty({ required: false, enum: [true], description: 'Found out after the service had been away.' })
  inferred?: true;
}

/** Data of a `config` event: the configuration of a program, or of all, changed. */
export class ConfigEventDto {
  @ApiProperty({ type: 'string', nullable: true, description: 'null: all programs.' })
  program: string | null;

  @ApiProperty({ enum: ['added', 'edited', 'removed', 'enabled', 'disabled', 'reset', 'restored'] })
  action: ConfigAction;

  /** ISO 8601 UTC. */
  time: string;
}

/** Data of a `gap` event: what came before can't be told any more. */
export class GapEventDto {
  @ApiProperty({ type: 'string', nullable: true, description: 'The oldest id that is remembered.' })
  oldest: string | null;

  /** The newest id; the stream goes on after it. */
  newest: string;
}

/** Data of a `current` event: the state of one instance at the moment of a gap. */
export class CurrentEventDto {
  program: string;

  @ApiProperty({ type: 'integer', nullable: true })
  port: number | null;

  @ApiProperty({ enum: PUBLIC_STATES, enumName: 'ProgramState' })
  state: PublicState;

  @ApiProperty({ type: 'integer', nullable: true })
  pid: number | null;

  @ApiProperty({ type: 'integer', nullable: true })
  exit_status: number | null;

  @ApiProperty({ type: 'string', nullable: true })
  spawn_error: string | null;
}
