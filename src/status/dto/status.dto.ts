import { ApiProperty } from '@nestjs/swagger';
import { PUBLIC_STATES, type PublicState } from '../../domain/states';

/** What a process and all its descendants use. */
export class StatsDto {
  /**
   * Share of one core over the last second or so; 150 means one and a half cores.
   * @example 12.5
   */
  cpu_percent: number;

  @ApiProperty({ type: 'integer', example: 52_428_800 })
  memory_rss_bytes: number;

  @ApiProperty({ type: 'integer', example: 3 })
  process_count: number;

  /**
   * ISO 8601 UTC.
   * @example "2025-01-15T10:30:00.000Z"
   */
  started_at: string;
}

class RuntimeDto {
  @ApiProperty({ enum: PUBLIC_STATES, enumName: 'ProgramState', example: 'RUNNING' })
  status: PublicState;

  @ApiProperty({ type: 'integer', nullable: true, example: 12345, description: 'null when it does not run.' })
  pid: number | null;

  @ApiProperty({ type: 'integer', example: 3600, description: 'Seconds; 0 when it does not run.' })
  uptime: number;

  @ApiProperty({
    type: 'integer',
    example: 0,
    description: 'Of the last run; 0 again from the next start on; 128 + N after signal N.',
  })
  exit_status: number;

  /**
   * Why it failed; there until the next good start, stop or edit.
   * @example "Failed to start: port 3000 already in use by pid 812 (node server.js)"
   */
  spawn_error?: string;

  /** Only with `include_stats`; null when it does not run. */
  @ApiProperty({ type: () => StatsDto, nullable: true, required: false })
  stats?: StatsDto | null;
}

/** The state of a program with one process. */
export class ProgramStatusDto extends RuntimeDto {
  /** @example "web-server" */
  id: string;

  /** @example "Web Server" */
  name: string;
}

/** The state of one instance of a program with several. */
export class InstanceStatusDto extends RuntimeDto {
  @ApiProperty({ type: 'integer', example: 3001 })
  port: number;
}

/** The states of a program with an instance per port. */
export class FleetStatusDto {
  /** @example "api-worker" */
  id: string;

  /** @example "api-worker" */
  name: string;

  @ApiProperty({ type: () => InstanceStatusDto, isArray: true })
  instances: InstanceStatusDto[];
}

export type StatusDto = ProgramStatusDto | FleetStatusDto;
