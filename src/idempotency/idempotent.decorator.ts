import { applyDecorators, UseInterceptors } from '@nestjs/common';
import { ApiHeader } from '@nestjs/swagger';
import { IDEMPOTENCY_KEY_HEADER, IdempotencyInterceptor, MAX_KEY_LENGTH } from './idempotency.interceptor';

const DESCRIPTION = `Makes a retry safe: for 24 hours, restarts of the service included, a request with the same key, \
path and body gets the first answer again (2xx and 4xx), marked by the header \`idempotency-replayed: true\`. With \
another path or body it gets \`IDEMPOTENCY_MISMATCH\`. A second request waits while the first is under way.`;

/** The route honours `Idempotency-Key`. Its module imports IdempotencyModule. */
export function Idempotent(): MethodDecorator {
  return applyDecorators(
    UseInterceptors(IdempotencyInterceptor),
    ApiHeader({
      name: IDEMPOTENCY_KEY_HEADER,
      required: false,
      description: DESCRIPTION,
      schema: { type: 'string', minLength: 1, maxLength: MAX_KEY_LENGTH, pattern: '^[!-~]+$' },
      example: '4f1c2a9e-2f7b-4d0c-9a54-0f6f3d1c7b21',
    }),
  );
}
