import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { fieldRule, finding, type Check, type Finding } from './field-rule';
import { oneOfFinding } from './value-rules';
import { characterFinding } from './text-rules';

const MAX_URL = 2048;

/** 1 to `max` of the values. */
export function IsListOf(values: readonly string[], max: number): PropertyDecorator {
  return applyDecorators(
    ApiProperty({ type: 'string', isArray: true, enum: [...values], minItems: 1, maxItems: max }),
    fieldRule('isListOf', (value) => listFinding(value, max, 'values', (item) => oneOfFinding(item, values))),
  );
}

/** 1 to `max` addresses that a webhook can be delivered to. */
export function IsWebhookUrlList(max: number): PropertyDecorator {
  return applyDecorators(
    ApiProperty({
      type: 'array',
      items: { type: 'string', format: 'uri', maxLength: MAX_URL },
      minItems: 1,
      maxItems: max,
    }),
    fieldRule('isWebhookUrlList', (value) => listFinding(value, max, 'URLs', webhookUrlFinding)),
  );
}

function listFinding(value: unknown, max: number, nouns: string, check: Check): Finding | null {
  if (!Array.isArray(value) || value.length < 1 || value.length > max)
    return finding(`must be a list of 1 to ${max} ${nouns}`);
  for (const [index, item] of value.entries()) {
    const found = check(item);
    if (found) return finding(found.message, `[${index}]${found.at}`);
  }
  return null;
}

function webhookUrlFinding(value: unknown): Finding | null {
  const takes = 'must be an http or https URL with a host, like https://hooks.example.com/daemon';
  // The URL parser forgives blanks and missing slashes; whoever wrote them meant something else.
  if (typeof value !== 'string' || value.length > MAX_URL || !/^https?:\/\/[^\s/?#\\]/i.test(value))
    return finding(takes);
  const characters = characterFinding(value);
  if (characters) return characters;
  if (/[\s\p{Cc}\\]/u.test(value) || !URL.canParse(value)) return finding(takes);
  const url = new URL(value);
  if (url.username !== '' || url.password !== '')
    return finding('must not hold a user name or password; use a header instead');
  return null;
}
