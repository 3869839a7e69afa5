import { invalidFields } from '../domain/errors';
import type { Webhooks } from '../domain/program';
import type { PublicState } from '../domain/states';
import { webhookUrlProblem } from './webhook-url';

/** Webhooks as answers show them. */
export type PublicWebhooks = Omit<Webhooks, 'secret'> & { secret_set: boolean };

export function publicWebhooks(webhooks: Webhooks | null): PublicWebhooks | null {
  if (!webhooks) return null;
  const { secret, ...shown } = webhooks;
  return { ...shown, secret_set: secret !== null };
}

export function wantsEvent({ enabled, events }: Webhooks, state: PublicState): boolean {
  return enabled && events.some((event) => event === 'all' || event === state);
}

/** @throws DaemonError VALIDATION_ERROR with a detail for each URL that nothing may be sent to */
export function assertWebhooks({ urls }: Webhooks, allowPrivate: boolean): void {
  const problems = urls.flatMap((url, i) => {
    const field = `webhooks.urls[${i}]`;
    const problem = webhookUrlProblem(url, allowPrivate);
    return problem ? [{ field, message: `${field}: ${problem}` }] : [];
  });
  if (problems.length > 0) throw invalidFields(...problems);
}
