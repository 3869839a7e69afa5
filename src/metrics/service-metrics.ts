import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { StateChange } from '../domain/changes';
import type { WebhookStats } from '../webhooks/webhook-dispatcher';
import type { InstanceMetricsSource } from './instance-metrics-source';

const REQUEST_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const LAG_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** What the service measures of itself. */
export class ServiceMetrics {
  private readonly requests: Histogram;
  private readonly eventLag: Histogram;
  private readonly connected: Gauge;
  private readonly mode: Gauge;
  private readonly streams: Gauge;
  private readonly webhooksWaiting: Gauge;
  private readonly webhooksInFlight: Gauge;
  private readonly webhookDeliveries: Counter;

  constructor(registers: Registry[]) {
    this.requests = new Histogram({
      name: 'hoody_http_request_duration_seconds',
      help: 'From the request to the end of its answer, by route; event streams are left out.',
      labelNames: ['method', 'route', 'status'],
      buckets: REQUEST_BUCKETS,
      registers,
    });
    this.eventLag = new Histogram({
      name: 'hoody_event_lag_seconds',
      help: 'From a change of state to the moment when the service tells of it.',
      buckets: LAG_BUCKETS,
      registers,
    });
    this.connected = gauge('hoody_supervisor_connected', 'Whether supervisord answers.');
    this.mode = gauge('hoody_mirror_mode', 'How states are learnt: 1 for the way in use.', ['mode']);
    this.streams = gauge(
      'hoody_event_streams_open',
      'Open server-sent event streams, those of logs included.',
    );
    this.webhooksWaiting = gauge('hoody_webhook_queue_length', 'Deliveries that wait for their turn.');
    this.webhooksInFlight = gauge('hoody_webhook_requests_in_flight', 'Deliveries that are being sent.');
    this.webhookDeliveries = new Counter({
      name: 'hoody_webhook_deliveries_total',
      help: 'Webhook deliveries that ended, by outcome.',
      labelNames: ['outcome'],
      registers,
    });

    function gauge(name: string, help: string, labelNames: string[] = []): Gauge {
      return new Gauge({ name, help, labelNames, registers });
    }
  }

  observeRequest(method: string, route: string, status: number, seconds: number): void {
    this.requests.observe({ method, route, status: String(status) }, seconds);
  }

  /** Changes that were found out afterwards say nothing about the lag. */
  observeLag(change: StateChange): void {
    if (!change.inferred) this.eventLag.observe(Math.max(0, Date.now() - Date.parse(change.time)) / 1000);
  }

  refresh(source: InstanceMetricsSource, openStreams: number, webhooks: WebhookStats): void {
    this.connected.set(source.connected() ? 1 : 0);
    for (const mode of ['bridge', 'polling'] as const)
      this.mode.set({ mode }, source.mode() === mode ? 1 : 0);
    this.streams.set(openStreams);
    this.webhooksWaiting.set(webhooks.waiting);
    this.webhooksInFlight.set(webhooks.in_flight);
    this.webhookDeliveries.reset();
    for (const outcome of ['delivered', 'failed', 'dropped'] as const)
      this.webhookDeliveries.inc({ outcome }, webhooks[outcome]);
  }
}
