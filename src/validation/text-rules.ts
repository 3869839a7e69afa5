import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { fieldRule, finding, type Finding } from './field-rule';

/** A string of `min` to `max` characters (code points). */
export function IsText(min: number, max: number): PropertyDecorator {
  return applyDecorators(
    ApiProperty({ type: 'string', ...(min > 0 && { minLength: min }), maxLength: max }),
    fieldRule('isText', (value) => textFinding(value, min, max)),
  );
}

export function IsAbsolutePath(): PropertyDecorator {
  return applyDecorators(
    ApiProperty({ type: 'string', pattern: '^/', maxLength: MAX_PATH }),
    fieldRule('isAbsolutePath', (value) => {
      if (typeof value !== 'string' || !value.startsWith('/'))
        return finding('must be an absolute path, like /srv/app');
      return textFinding(value, 1, MAX_PATH);
    }),
  );
}

/** PATH_MAX of Linux. */
const MAX_PATH = 4096;

export function textFinding(value: unknown, min: number, max: number): Finding | null {
  if (typeof value !== 'string' || !hasLength(value, min, max))
    return finding(`must be a string of ${min} to ${max} characters`);
  return characterFinding(value);
}

/** What neither a C string nor UTF-8 can hold. */
export function characterFinding(text: string): Finding | null {
  if (text.includes('\0')) return finding('must not contain NUL characters');
  if (/\p{Surrogate}/u.test(text))
    return finding('must be valid Unicode, it contains half of a surrogate pair');
  return null;
}

function hasLength(text: string, min: number, max: number): boolean {
  if (text.length < min || text.length > 2 * max) return false;
  if (text.length <= max && min <= 1) return true;
  const characters = [...text].length;
  return characters >= min && characters <= max;
}
