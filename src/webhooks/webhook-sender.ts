import type { LookupFunction } from 'node:net';
import { Agent, request } from 'undici';
import type { DeliveryAttempt } from './delivery';
import { retryAfterMs } from './delivery-policy';
import { guardedLookup, isRefusal } from './guarded-lookup';
import { signatureOf } from './signature';
import { webhookUrlProblem } from './webhook-url';

const BODY_LIMIT_BYTES = 1024;
const CONNECT_TIMEOUT_MS = 10_000;

export interface WebhookMessage {
  id: string;
  url: string;
  body: string;
  headers: Readonly<Record<string, string>>;
  secret: string | null;
  /** For everything from the name lookup to the answer. */
  timeoutMs: number;
}

export interface TryResult extends DeliveryAttempt {
  delivered: boolean;
  /** The address is one that must not be reached. */
  refused: boolean;
  /** What the receiver asked for. */
  retryAfterMs: number | null;
}

/** Sends one message once. Never throws; follows no redirect. */
export class WebhookSender {
  private readonly agent: Agent;
  private readonly underWay = new Set<AbortController>();

  constructor(
    private readonly allowPrivate: boolean,
    lookup: LookupFunction = guardedLookup(),
  ) {
    const guard = allowPrivate ? {} : { lookup };
    this.agent = new Agent({ connect: { timeout: CONNECT_TIMEOUT_MS, ...guard }, keepAliveTimeout: 4_000 });
  }

  async send(message: WebhookMessage): Promise<TryResult> {
    const started = Date.now();
    const abort = new AbortController();
    const timer = setTimeout(
      () => abort.abort(new Error(`no answer within ${message.timeoutMs / 1000} s`)),
      message.timeoutMs,
    );
    this.underWay.add(abort);
    const verdict = await this.post(message, started, abort.signal);
    clearTimeout(timer);
    this.underWay.delete(abort);
    return { ...verdict, time: new Date(started).toISOString(), duration_ms: Date.now() - started };
  }

  /** Cuts short what is under way. */
  async close(): Promise<void> {
    for (const abort of this.underWay) abort.abort(new Error('the service stopped'));
    await this.agent.destroy();
  }

  private async post(
    message: WebhookMessage,
    now: number,
    signal: AbortSignal,
  ): Promise<Omit<TryResult, 'time' | 'duration_ms'>> {
    const problem = webhookUrlProblem(message.url, this.allowPrivate);
    if (problem) return failure(problem, true);
    try {
      const answer = await request(message.url, {
        method: 'POST',
        headers: headersOf(message, now),
        body: message.body,
        dispatcher: this.agent,
        signal,
        headersTimeout: 0,
        bodyTimeout: 0,
      });
      // The status is the verdict; the rest is read only to be able to use the connection again.
      await answer.body.dump({ limit: BODY_LIMIT_BYTES }).catch(() => undefined);
      const status = answer.statusCode;
      const delivered = status >= 200 && status < 300;
      return {
        status,
        delivered,
        error: delivered
          ? null
          : `answered ${status}${status >= 300 && status < 400 ? ', redirects are not followed' : ''}`,
        refused: false,
        retryAfterMs: retryAfterMs([answer.headers['retry-after']].flat()[0], Date.now()),
      };
    } catch (error) {
      return failure(wordsOf(error as NodeJS.ErrnoException), isRefusal(error));
    }
  }
}

function headersOf(message: WebhookMessage, now: number): Record<string, string> {
  const timestamp = Math.floor(now / 1000);
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    'user-agent': 'hoody-daemon',
  };
  for (const [name, value] of Object.entries(message.headers)) headers[name.toLowerCase()] = value;
  headers['webhook-id'] = message.id;
  headers['webhook-timestamp'] = String(timestamp);
  if (message.secret !== null)
    headers['webhook-signature'] = signatureOf(message.secret, message.id, timestamp, message.body);
  return headers;
}

function failure(error: string, refused: boolean): Omit<TryResult, 'time' | 'duration_ms'> {
  return { status: null, delivered: false, error, refused, retryAfterMs: null };
}

// Failed tries on several addresses come as one error without a message.
function wordsOf(error: NodeJS.ErrnoException): string {
  return error.message || error.code || 'failed';
}
