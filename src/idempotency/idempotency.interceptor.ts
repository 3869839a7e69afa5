import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { from, lastValueFrom, type Observable } from 'rxjs';
import { invalidFields } from '../domain/errors';
import { envelopeOf, type ErrorBody, errorOfBody } from '../errors/error-envelope';
import '../http/caller';
import { fingerprintOf, scopeOf } from './fingerprint';
import { IdempotencyStore } from './idempotency.store';
import type { Answer } from './remembered-answers';

export const IDEMPOTENCY_KEY_HEADER = 'Idempotency-Key';
export const MAX_KEY_LENGTH = 255;

/** Answers a request with an `Idempotency-Key` once, and repeats that answer. Without the header it does nothing. */
@Injectable()
export class IdempotencyInterceptor implements NestInterceptor {
  constructor(private readonly store: IdempotencyStore) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const http = context.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const key = keyOf(request);
    return key === null
      ? next.handle()
      : from(this.answer(request, http.getResponse<FastifyReply>(), key, next));
  }

  private async answer(
    request: FastifyRequest,
    reply: FastifyReply,
    key: string,
    next: CallHandler,
  ): Promise<unknown> {
    const keyed = { scope: scopeOf(request.caller.name, key), fingerprint: fingerprintOf(request) };
    const { answer, isReplay } = await this.store.once(keyed, () => firstAnswer(reply, next));
    if (isReplay) reply.header('idempotency-replayed', 'true');
    if (answer.status >= 400) throw errorOfBody(answer.body as ErrorBody);
    return answer.body;
  }
}

/** @throws the error itself when it is one that must not be remembered, so that the filter can log it */
async function firstAnswer(reply: FastifyReply, next: CallHandler): Promise<Answer> {
  try {
    const body: unknown = await lastValueFrom(next.handle());
    return { status: reply.statusCode, body };
  } catch (error) {
    const { status, body } = envelopeOf(error);
    if (status >= 500) throw error;
    return { status, body };
  }
}

function keyOf({ headers }: FastifyRequest): string | null {
  const key = headers[IDEMPOTENCY_KEY_HEADER.toLowerCase()];
  if (key === undefined) return null;
  // A header that is sent twice arrives joined by ", ", and a blank is not visible either.
  if (typeof key === 'string' && /^[\x21-\x7e]{1,255}$/.test(key)) return key;
  throw invalidFields({
    field: IDEMPOTENCY_KEY_HEADER,
    message: `${IDEMPOTENCY_KEY_HEADER} must be given once, with 1 to ${MAX_KEY_LENGTH} visible ASCII characters.`,
  });
}
