import { Injectable } from '@nestjs/common';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { ChangeFeed } from '../events/change-feed';
import { EventStreams } from '../http/sse';
import { WebhookDispatcher } from '../webhooks/webhook-dispatcher';
import { OPENMETRICS_TEXT, PROMETHEUS_TEXT, toOpenMetrics } from './exposition';
import { InstanceMetricsSource, type ProcessTreeStats } from './instance-metrics-source';
import { ProgramMetrics } from './program-metrics';
import { ServiceMetrics } from './service-metrics';

export interface Exposition {
  contentType: string;
  text: string;
}

/** All metrics, in a registry of this app alone. */
@Injectable()
export class MetricsService {
  private readonly registry = new Registry();
  private readonly programs = new ProgramMetrics([this.registry]);
  private readonly service = new ServiceMetrics([this.registry]);

  constructor(
    feed: ChangeFeed,
    private readonly source: InstanceMetricsSource,
    private readonly webhooks: WebhookDispatcher,
    private readonly streams: EventStreams,
  ) {
    collectDefaultMetrics({ register: this.registry });
    feed.changes.subscribe((change) => {
      if (change.type !== 'state') return;
      this.service.observeLag(change);
      this.programs.count(change, this.source);
    });
  }

  observeRequest(method: string, route: string, status: number, seconds: number): void {
    this.service.observeRequest(method, route, status, seconds);
  }

  async expose(asOpenMetrics: boolean): Promise<Exposition> {
    const stats = await this.stats();
    this.programs.refresh(this.source, stats);
    this.service.refresh(this.source, this.streams.count, this.webhooks.stats());
    const text = await this.registry.metrics();
    return asOpenMetrics
      ? { contentType: OPENMETRICS_TEXT, text: toOpenMetrics(text) }
      : { contentType: PROMETHEUS_TEXT, text };
  }

  private async stats(): Promise<ReadonlyMap<number, ProcessTreeStats>> {
    const pids = Array.from(this.source.instances(), ({ pid }) => pid).filter((pid) => pid !== null);
    // Metrics matter most when something is wrong: they answer without what can't be measured.
    return this.source.stats(pids).catch(() => new Map<number, ProcessTreeStats>());
  }
}
