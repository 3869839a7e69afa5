import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable, Logger, type OnApplicationShutdown, Optional } from '@nestjs/common';
import { ConfigRepository } from '../config-store/config-repository';
import type { ConfigChange, StateChange } from '../domain/changes';
import { invalidFields } from '../domain/errors';
import type { Webhooks } from '../domain/program';
import { ChangeFeed } from '../events/change-feed';
import { SETTINGS, type Settings } from '../settings/settings';
import type { Delivery } from './delivery';
import { DeliveryLanes } from './delivery-lanes';
import { DeliveryLog } from './delivery-log';
import { DELIVERY_POLICY, type DeliveryPolicy, retryDelayMs } from './delivery-policy';
import { FailureDetails, type FailureReport } from './failure-details';
import { Slots } from './slots';
import { wantsEvent } from './webhook-config';
import { statePayload, testPayload } from './webhook-payload';
import { type TryResult, type WebhookMessage, WebhookSender } from './webhook-sender';
import { shownUrl } from './webhook-url';

export const WEBHOOK_POLICY = Symbol('DeliveryPolicy');

/** Counts since the start of the service; `waiting` and `in_flight` are of now. */
export interface WebhookStats {
  waiting: number;
  in_flight: number;
  delivered: number;
  failed: number;
  dropped: number;
}

/**
 * Tells the webhooks of programs what happened to them, off the path of whoever changed something. Events
 * of one program arrive at one URL in their order: the next waits until the one before is delivered or
 * given up. What waits when the service stops is dropped; what is under way then gets two seconds.
 */
@Injectable()
export class WebhookDispatcher implements OnApplicationShutdown {
  private readonly log = new Logger('Webhooks');
  private readonly deliveryLog = new DeliveryLog();
  private readonly lanes: DeliveryLanes;
  private readonly slots: Slots;
  private readonly sender: WebhookSender;
  private readonly closing = new AbortController();
  private readonly outcomes = { delivered: 0, failed: 0, dropped: 0 };

  constructor(
    feed: ChangeFeed,
    private readonly config: ConfigRepository,
    private readonly failures: FailureDetails,
    @Inject(SETTINGS) settings: Pick<Settings, 'webhookAllowPrivate'>,
    @Optional() @Inject(WEBHOOK_POLICY) private readonly policy: DeliveryPolicy = DELIVERY_POLICY,
  ) {
    this.lanes = new DeliveryLanes(policy.queue, policy.queueOverall);
    this.slots = new Slots(policy.concurrency);
    this.sender = new WebhookSender(settings.webhookAllowPrivate);
    feed.changes.subscribe((change) => {
      if (change.type === 'state') this.tell(change);
      else this.forget(change);
    });
  }

  /** The last deliveries, newest first. @throws DaemonError PROGRAM_NOT_FOUND, CONFIG_INVALID */
  deliveries(program: string): Delivery[] {
    this.config.program(program);
    return this.deliveryLog.of(program);
  }

  /**
   * Sends a test event to all URLs, once each, past the queue; also when the webhooks are not enabled.
   * @throws DaemonError PROGRAM_NOT_FOUND, CONFIG_INVALID, VALIDATION_ERROR without webhooks
   */
  async test(program: string): Promise<Delivery[]> {
    const { webhooks } = this.config.program(program);
    if (!webhooks)
      throw invalidFields({ field: 'webhooks', message: `Program "${program}" has no webhooks.` });
    const time = new Date().toISOString();
    const body = testPayload(program, time);
    return Promise.all(
      webhooks.urls.map(async (url) => {
        const delivery = this.newDelivery(program, url, 'test', time);
        const result = await this.attempt(delivery, messageOf(delivery, webhooks, url, body));
        this.conclude(delivery, result.delivered ? 'delivered' : 'failed');
        return structuredClone(delivery);
      }),
    );
  }

  stats(): WebhookStats {
    return { waiting: this.lanes.waiting, in_flight: this.slots.inUse, ...this.outcomes };
  }

  /** Resolves when nothing waits and nothing is under way. */
  async settled(): Promise<void> {
    await this.lanes.idle();
  }

  async onApplicationShutdown(): Promise<void> {
    this.closing.abort();
    this.lanes.dropWaiting();
    const moment = new AbortController();
    await Promise.race([
      this.settled(),
      delay(this.policy.shutdownMs, undefined, { signal: moment.signal }).catch(() => undefined),
    ]);
    moment.abort();
    await this.sender.close();
  }

  private tell(change: StateChange): void {
    const webhooks = this.webhooksOf(change.program);
    if (!webhooks || !wantsEvent(webhooks, change.to)) return;
    // Asked for now and not in its turn: by then the program may have another story to tell.
    const body = this.bodyOf(change);
    for (const url of webhooks.urls) this.enqueue(change, webhooks, url, body);
  }

  private webhooksOf(program: string): Webhooks | null {
    try {
      return this.config.program(program).webhooks;
    } catch {
      // Ephemeral programs have none, and a configuration that can't be read has none to offer.
      return null;
    }
  }

  private enqueue(change: StateChange, webhooks: Webhooks, url: string, body: Promise<string>): void {
    const delivery = this.newDelivery(change.program, url, change.to, change.time);
    if (this.isClosing) return this.conclude(delivery, 'dropped');
    this.lanes.add(`${change.program} ${url}`, {
      run: async () => this.deliver(delivery, messageOf(delivery, webhooks, url, await body), webhooks.retry),
      drop: () => this.conclude(delivery, 'dropped'),
    });
  }

  private async deliver(delivery: Delivery, message: WebhookMessage, retries: number): Promise<void> {
    for (let tries = 1; ; tries++) {
      const result = await this.slots.run(async () =>
        this.isClosing ? null : this.attempt(delivery, message),
      );
      if (!result) return this.conclude(delivery, 'dropped');
      if (result.delivered) return this.conclude(delivery, 'delivered');

      const wait = tries > retries ? null : retryDelayMs(result, tries, this.policy);
      if (wait === null) return this.conclude(delivery, 'failed');
      if (!(await this.pause(wait))) return this.conclude(delivery, 'dropped');
    }
  }

  private async attempt(delivery: Delivery, message: WebhookMessage): Promise<TryResult> {
    const result = await this.sender.send(message);
    const { time, status, error, duration_ms } = result;
    delivery.attempts.push({ time, status, error, duration_ms });
    return result;
  }

  private get isClosing(): boolean {
    return this.closing.signal.aborted;
  }

  /** @returns false when the service stops meanwhile */
  private async pause(ms: number): Promise<boolean> {
    return delay(ms, true, { signal: this.closing.signal }).catch(() => false);
  }

  private newDelivery(program: string, url: string, event: string, time: string): Delivery {
    const id = `msg_${randomUUID().replaceAll('-', '')}`;
    const delivery: Delivery = { id, url: shownUrl(url), event, time, attempts: [], outcome: 'pending' };
    this.deliveryLog.add(program, delivery);
    return delivery;
  }

  private conclude(delivery: Delivery, outcome: 'delivered' | 'failed' | 'dropped'): void {
    delivery.outcome = outcome;
    this.outcomes[outcome] += 1;
    const error = delivery.attempts.at(-1)?.error;
    if (outcome === 'failed')
      this.log.warn(`Cannot deliver ${delivery.event} to ${originOf(delivery.url)}: ${error}`);
  }

  private async bodyOf(change: StateChange): Promise<string> {
    if (change.to !== 'FATAL') return statePayload(change, null);
    await new Promise((resolve) => setImmediate(resolve));
    return statePayload(change, await this.failureOf(change));
  }

  private async failureOf({ program, port }: StateChange): Promise<FailureReport | null> {
    try {
      return await this.failures.failureOf(program, port);
    } catch (error) {
      this.log.warn(`Cannot say why "${program}" failed: ${(error as Error).message}`);
      return null;
    }
  }

  private forget({ action, program }: ConfigChange): void {
    if (action === 'removed' && program !== null) this.deliveryLog.forget(program);
    if (program !== null) return;
    try {
      this.deliveryLog.forgetAllBut(new Set(this.config.programs().map(({ id }) => id)));
    } catch {
      // Nothing is known about the programs, so nothing is gone either.
    }
  }
}

function messageOf({ id }: Delivery, webhooks: Webhooks, url: string, body: string): WebhookMessage {
  const { headers, secret, timeout } = webhooks;
  return { id, url, body, headers, secret, timeoutMs: timeout * 1000 };
}

// The path of a webhook is often its secret.
function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : url;
}
