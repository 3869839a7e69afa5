import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { fieldRule, finding } from './field-rule';
import { textFinding } from './text-rules';

const MAX_SECRET = 512;
const PREFIX = 'whsec_';

/** Standard Webhooks: a secret that starts with `whsec_` is the base64 of the key, any other is the key itself. */
export function IsWebhookSecret(): PropertyDecorator {
  return applyDecorators(
    ApiProperty({ type: 'string', minLength: 1, writeOnly: true }),
    fieldRule('isWebhookSecret', (value) => {
      if (typeof value !== 'string' || !value.startsWith(PREFIX)) return textFinding(value, 1, MAX_SECRET);
      if (isBase64OfKey(value.slice(PREFIX.length))) return null;
      return finding(`must be base64 of 1 to ${MAX_SECRET} bytes after "${PREFIX}"`);
    }),
  );
}

function isBase64OfKey(text: string): boolean {
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/.test(text)) return false;
  const { length } = Buffer.from(text, 'base64');
  return length >= 1 && length <= MAX_SECRET;
}
