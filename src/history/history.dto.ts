import { ApiProperty } from '@nestjs/swagger';
import { PUBLIC_STATES, type PublicState } from '../domain/states';
import { IsQueryInteger } from '../validation/query-rules';

export const DEFAULT_HISTORY_LIMIT = 100;

export class HistoryQueryDto {
  /** How many transitions at most, the newest. */
  @IsQueryInteger(1, 1000, DEFAULT_HISTORY_LIMIT)
  limit?: number;

  /** Only the instance on this port. */
  @IsQueryInteger(1, 65_535)
  port?: number;
}

/** One change of state of one instance. */
export class TransitionDto {
  /**
   * The id that the change has in the event stream.
   * @example '1785000000000042'
   */
  id: string;

  /** When it happened; ISO 8601 UTC. */
  time: string;

  @ApiProperty({ type: 'integer', nullable: true, description: 'Port of the instance, or null.' })
  port: number | null;

  @ApiProperty({ enum: PUBLIC_STATES, enumName: 'ProgramState' })
  from: PublicState;

  @ApiProperty({ enum: PUBLIC_STATES, enumName: 'ProgramState' })
  to: PublicState;

  @ApiProperty({ type: 'integer', nullable: true })
  pid: number | null;

  @ApiProperty({
    type: 'integer',
    nullable: true,
    description: 'Of the run that ended (128 + N after signal N); null while it runs.',
  })
  exit_status: number | null;

  /** Why the start failed or the program crashed; else null. */
  spawn_error: string | null;

  /** It happened while the service was away and was found out afterwards. */
  inferred?: true;
}

export class HistoryDto {
  /** Newest first. */
  transitions: TransitionDto[];

  /** How often it crashed, or failed to start, in the last hour. */
  @ApiProperty({ type: 'integer' })
  crashes_last_hour: number;

  /** The last crash that is remembered, or null. */
  @ApiProperty({ type: TransitionDto, nullable: true })
  last_crash: TransitionDto | null;

  /** How often it was started again, in the last hour, after an end that nobody had asked for. */
  @ApiProperty({ type: 'integer' })
  restarts_last_hour: number;
}
