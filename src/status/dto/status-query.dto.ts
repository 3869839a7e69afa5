import { IsQueryFlag, IsQueryInteger } from '../../validation/query-rules';

export class StatusQueryDto {
  /** Add `stats` (processor, memory, number of processes) to each running instance. */
  @IsQueryFlag(false)
  include_stats?: boolean;

  /** Only the program, and of several instances only the one, with this port. */
  @IsQueryInteger(1, 65_535)
  port?: number;
}
