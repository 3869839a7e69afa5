import { ApiProperty } from '@nestjs/swagger';
import { IsOptional } from 'class-validator';
import { fieldRule, finding } from '../../validation/field-rule';
import { IsQueryInteger } from '../../validation/query-rules';
import { IsText } from '../../validation/text-rules';
import { IsOneOf } from '../../validation/value-rules';
import { GREP_MODES, type GrepMode } from '../line-matcher';

const LOG_TYPES = ['stdout', 'stderr'] as const;

function IsTime(): PropertyDecorator {
  return fieldRule('isTime', (value) =>
    typeof value === 'string' && /^\d{4}-\d\d-\d\d/.test(value) && !Number.isNaN(Date.parse(value))
      ? null
      : finding('must be a time like 2025-01-15T10:30:00Z'),
  );
}

/** What is common to reading and following logs. */
class LogSelectionDto {
  /** How many of the last lines. */
  @IsQueryInteger(1, 10_000, 100)
  lines?: number;

  /** Only one of the two. */
  @IsOptional()
  @IsOneOf(LOG_TYPES)
  @ApiProperty({ required: false })
  type?: (typeof LOG_TYPES)[number];

  /** Which instance; needed for a program with several. */
  @IsQueryInteger(1, 65_535)
  port?: number;
}

export class LogStreamQueryDto extends LogSelectionDto {}

export class LogsQueryDto extends LogSelectionDto {
  /**
   * Only lines that hold this text (or, with `grep_mode=regex`, match this RE2 expression); `lines` counts them.
   * @example "ERROR"
   */
  @IsOptional()
  @IsText(1, 1000)
  @ApiProperty({ required: false })
  grep?: string;

  /** Whether `grep` is plain text or an RE2 expression. */
  @IsOptional()
  @IsOneOf(GREP_MODES)
  @ApiProperty({ required: false, default: 'substring' })
  grep_mode?: GrepMode;

  /** Lines of context before each match. */
  @IsQueryInteger(0, 100, 0)
  before?: number;

  /** Lines of context after each match. */
  @IsQueryInteger(0, 100, 0)
  after?: number;

  /**
   * Only lines from this time on; goes by the time that a line itself begins with.
   * @example "2025-01-15T10:30:00Z"
   */
  @IsOptional()
  @IsTime()
  @ApiProperty({ type: 'string', format: 'date-time', required: false })
  since?: string;

  /**
   * Only lines up to this time.
   * @example "2025-01-15T11:00:00Z"
   */
  @IsOptional()
  @IsTime()
  @ApiProperty({ type: 'string', format: 'date-time', required: false })
  until?: string;
}
