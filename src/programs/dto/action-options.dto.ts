import { ApiProperty } from '@nestjs/swagger';
import { fieldRule, finding } from '../../validation/field-rule';
import { IsFlag, IsInteger, IsOneOf, Optional } from '../../validation/value-rules';
import { MAX_INSTANCES } from '../../domain/port-range';
import { WAIT_FOR, type WaitFor } from '../instance-start';

function IsPortList(): PropertyDecorator {
  return fieldRule('isPortList', (value) =>
    Array.isArray(value) &&
    value.length >= 1 &&
    value.length <= MAX_INSTANCES &&
    value.every((entry) => Number.isInteger(entry) || (typeof entry === 'string' && entry.length <= 11))
      ? null
      : finding(`must be a list of 1 to ${MAX_INSTANCES} ports and ranges like "3005-3010"`),
  );
}

/** Which instances of a program with several: one of `port`, `ports` and `all`. */
class TargetOptionsDto {
  /**
   * The instance on this port.
   * @example 3001
   */
  @IsInteger(1, 65_535)
  @Optional()
  port?: number | null;

  /** All instances. For a program with one process it changes nothing but that the answer has the list, too. */
  @IsFlag()
  @Optional(false)
  all?: boolean | null;

  /**
   * Several instances: ports, and ranges as text.
   * @example [3001, "3005-3010"]
   */
  @IsPortList()
  @Optional()
  @ApiProperty({
    type: 'array',
    items: { oneOf: [{ type: 'integer', minimum: 1, maximum: 65535 }, { type: 'string' }] },
    minItems: 1,
    maxItems: MAX_INSTANCES,
  })
  ports?: (number | string)[] | null;

  /** false: answers at once, while the program is still on its way. */
  @IsFlag()
  @Optional(true)
  wait?: boolean | null;
}

export class StartProgramDto extends TargetOptionsDto {
  /** Seconds to wait for the verdict (for each instance). Default: `start_seconds` of the program plus 30. */
  @IsInteger(1, 600)
  @Optional()
  timeout?: number | null;

  /** What to wait for: `running`, or `port`: the instance accepts connections on its port. */
  @IsOneOf(WAIT_FOR)
  @Optional('running')
  wait_for?: WaitFor | null;
}

export class RestartProgramDto extends StartProgramDto {
  /** How many instances are restarted at the same time. */
  @IsInteger(1, MAX_INSTANCES)
  @Optional(1)
  batch?: number | null;
}

export class StopProgramDto extends TargetOptionsDto {
  /** Seconds to wait for the end. Default: `stop_seconds` of the program plus 10. */
  @IsInteger(1, 600)
  @Optional()
  timeout?: number | null;
}
