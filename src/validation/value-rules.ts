import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { Exclude } from 'class-transformer';
import { IsOptional } from 'class-validator';
import { fieldRule, finding, type Finding } from './field-rule';

/** A JSON number without fraction; strings are not converted. */
export function IsInteger(min: number, max = Number.MAX_SAFE_INTEGER): PropertyDecorator {
  const bounds =
    min === Number.MIN_SAFE_INTEGER
      ? ''
      : max === Number.MAX_SAFE_INTEGER
        ? ` not below ${min}`
        : ` from ${min} to ${max}`;
  return applyDecorators(
    ApiProperty({ type: 'integer', minimum: min, ...(max !== Number.MAX_SAFE_INTEGER && { maximum: max }) }),
    fieldRule('isInteger', (value) =>
      Number.isSafeInteger(value) && Number(value) >= min && Number(value) <= max
        ? null
        : finding(`must be an integer${bounds}`),
    ),
  );
}

export function IsFlag(): PropertyDecorator {
  return applyDecorators(
    ApiProperty({ type: 'boolean' }),
    fieldRule('isFlag', (value) => (typeof value === 'boolean' ? null : finding('must be true or false'))),
  );
}

export function IsOneOf(values: readonly string[]): PropertyDecorator {
  return applyDecorators(
    ApiProperty({ type: 'string', enum: [...values] }),
    fieldRule('isOneOf', (value) => oneOfFinding(value, values)),
  );
}

/** Before @Type and @ValidateNested, which let arrays through. */
export function IsJsonObject(): PropertyDecorator {
  return fieldRule('isJsonObject', (value) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? null
      : finding('must be an object'),
  );
}

/** May be absent; null means its default. */
export function Optional(defaultValue?: unknown): PropertyDecorator {
  return applyDecorators(
    IsOptional(),
    ApiProperty({
      required: false,
      nullable: true,
      ...(defaultValue !== undefined && { default: defaultValue }),
    }),
  );
}

/** Accepted and dropped, so that what GET gave can be sent back. */
export function ReadOnlyField(): PropertyDecorator {
  return applyDecorators(Exclude({ toClassOnly: true }), ApiProperty({ readOnly: true, required: false }));
}

export function oneOfFinding(value: unknown, values: readonly string[]): Finding | null {
  if (typeof value === 'string' && values.includes(value)) return null;
  return finding(`must be one of ${values.map((v) => `"${v}"`).join(', ')}`);
}
