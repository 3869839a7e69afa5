import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsOptional } from 'class-validator';
import { fieldRule, finding } from './field-rule';

/** An optional whole number in a query string: digits only. */
export function IsQueryInteger(min: number, max: number, defaultValue?: number): PropertyDecorator {
  return applyDecorators(
    IsOptional(),
    Transform(({ value }: { value: unknown }) =>
      typeof value === 'string' && /^\d{1,10}$/.test(value) ? Number(value) : value,
    ),
    ApiProperty({ type: 'integer', minimum: min, maximum: max, required: false, default: defaultValue }),
    fieldRule('isQueryInteger', (value) =>
      typeof value === 'number' && value >= min && value <= max
        ? null
        : finding(`must be an integer from ${min} to ${max}`),
    ),
  );
}

/** An optional `true` or `false` in a query string. */
export function IsQueryFlag(defaultValue?: boolean): PropertyDecorator {
  return applyDecorators(
    IsOptional(),
    Transform(({ value }: { value: unknown }) =>
      value === 'true' ? true : value === 'false' ? false : value,
    ),
    ApiProperty({ type: 'boolean', required: false, default: defaultValue }),
    fieldRule('isQueryFlag', (value) =>
      typeof value === 'boolean' ? null : finding('must be true or false'),
    ),
  );
}
