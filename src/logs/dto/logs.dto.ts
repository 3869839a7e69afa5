import { ApiProperty } from '@nestjs/swagger';

/** The last lines of a program's output, byte for byte; what is not UTF-8 is replaced. */
export class LogsDto {
  /** @example "[2025-01-15 10:30:00] Processing: job-123\n[2025-01-15 10:30:01] Completed: job-123" */
  stdout: string;

  /** @example "" */
  stderr: string;

  /** A limit (8 MiB a stream; in a search also 64 MiB read, 2 s) cut it short. Absent otherwise. */
  truncated?: true;
}

/** Data of a `stdout` or `stderr` event. */
export class LogLineDto {
  /** @example "Completed: job-123" */
  line: string;

  @ApiProperty({
    type: 'string',
    nullable: true,
    example: '2025-01-15T10:30:00.000Z',
    description: 'When the service saw it; null for a line that was there before.',
  })
  time: string | null;
}

/** Data of a `gap` event: lines of this stream are gone before they could be told. */
export class LogGapDto {
  @ApiProperty({ enum: ['stdout', 'stderr'], description: 'Whose lines are missing.' })
  stream: 'stdout' | 'stderr';
}
