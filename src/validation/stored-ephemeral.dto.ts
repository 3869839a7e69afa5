import { PickType } from '@nestjs/swagger';
import { ProgramFieldsDto } from './program-fields.dto';
import { fieldRule, finding } from './field-rule';
import { IsText } from './text-rules';
import { Optional } from './value-rules';

/** One entry of ephemeral.json. */
export class StoredEphemeralDto extends PickType(ProgramFieldsDto, [
  'command',
  'user',
  'directory',
  'environment',
  'port_range',
  'stop_signal',
  'stop_seconds',
  'log_max_bytes',
]) {
  @fieldRule('isTemporaryId', (value) =>
    typeof value === 'string' && /^eph-[a-z0-9]{12}$/.test(value)
      ? null
      : finding('must be "eph-" and 12 characters of a-z and 0-9'),
  )
  temporary_id: string;

  @IsText(1, 128)
  @Optional()
  name?: string | null;

  @IsTime()
  created_at: string;

  @IsTime()
  @Optional()
  expires_at?: string | null;

  @IsText(1, 256)
  epoch: string;

  @IsTime()
  @Optional()
  ended_at?: string | null;
}

function IsTime(): PropertyDecorator {
  return fieldRule('isTime', (value) =>
    typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value) && !Number.isNaN(Date.parse(value))
      ? null
      : finding('must be a time like 2025-01-15T10:30:00.000Z'),
  );
}
