import { Global, Module } from '@nestjs/common';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { ConfigRepository } from '../config-store/config-repository';
import { change } from '../../test/support/a-change';
import { ChangeFeed } from '../events/change-feed';
import { EventStreams } from '../http/sse';
import { SETTINGS } from '../settings/settings';
import { FailureDetails } from '../webhooks/failure-details';
import {
  type InstanceMetrics,
  InstanceMetricsSource,
  type ProcessTreeStats,
} from './instance-metrics-source';
import { MetricsModule } from './metrics.module';
import { MetricsService } from './metrics.service';
import { installRequestMetrics } from './request-metrics';

const OPENMETRICS = 'application/openmetrics-text';
const PROMETHEUS_ACCEPT =
  'application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1';

describe('The metrics', () => {
  let app: NestFastifyApplication;
  let feed: ChangeFeed;
  let source: FakeSource;

  beforeEach(async () => {
    source = new FakeSource();
    app = await startApp(source);
    feed = app.get(ChangeFeed);
  });

  afterEach(() => app.close());

  it.each(['text/plain', OPENMETRICS])('are well formed as %s', async (accept) => {
    source.list = [running({ program: 'web' }), running({ program: 'api', port: 3001, pid: 11 })];
    feed.publish(change({ program: 'web' }));
    await app.inject('/programs/web');
    const { text, contentType } = await scrape(accept);
    expect(contentType).toMatch(
      accept === OPENMETRICS ? /^application\/openmetrics-text; version=1/ : /^text\/plain; version=0/,
    );
    expect(problemsOf(text, accept === OPENMETRICS)).toEqual([]);
  });

  it('stay well formed in both formats, whichever was asked for before', async () => {
    source.list = [running({})];
    for (const accept of [OPENMETRICS, 'text/plain', OPENMETRICS, 'text/plain']) {
      const { text } = await scrape(accept);
      expect(problemsOf(text, accept === OPENMETRICS)).toEqual([]);
      expect(text).toContain('hoody_program_restarts_total{program="web",port=""} 0');
    }
  });

  it.each([
    [PROMETHEUS_ACCEPT, OPENMETRICS],
    ['text/plain', 'text/plain'],
    ['*/*', 'text/plain'],
    [undefined, 'text/plain'],
    ['application/openmetrics-text;q=0', 'text/plain'],
    ['application/openmetrics-text;q=0.2, text/plain;q=0.8', 'text/plain'],
  ])('are given to who accepts %p as %s', async (accept, contentType) => {
    expect((await scrape(accept)).contentType.split(';')[0]).toBe(contentType);
  });

  it('tell what an instance is, and what it uses', async () => {
    source.list = [running({ port: 3001, pid: 11, started_at_ms: 1_700_000_000_500 })];
    source.trees.set(11, { cpu_percent: 150, memory_rss_bytes: 4096, process_count: 3, started_at: '' });
    const { text } = await scrape();
    expect(text).toMatch(/^hoody_program_up\{program="web",port="3001"\} 1$/m);
    expect(text).toMatch(/^hoody_program_state\{program="web",port="3001",state="RUNNING"\} 1$/m);
    expect(text).toMatch(/^hoody_program_start_time_seconds\{program="web",port="3001"\} 1700000000\.5$/m);
    expect(text).toMatch(/^hoody_program_cpu_usage_ratio\{program="web",port="3001"\} 1\.5$/m);
    expect(text).toMatch(/^hoody_program_memory_rss_bytes\{program="web",port="3001"\} 4096$/m);
    expect(text).toMatch(/^hoody_program_processes\{program="web",port="3001"\} 3$/m);
    expect(text).toMatch(/^hoody_instances\{state="RUNNING"\} 1$/m);
    expect(text).toMatch(/^hoody_instances\{state="FATAL"\} 0$/m);
  });

  it('count exits, crashes and restarts', async () => {
    source.list = [running({})];
    feed.publish(change({ from: 'RUNNING', to: 'FATAL' }));
    feed.publish(change({ from: 'FATAL', to: 'STARTING' }));
    feed.publish(change({ from: 'STARTING', to: 'RUNNING' }));
    feed.publish(change({ from: 'RUNNING', to: 'STOPPING' }));
    feed.publish(change({ from: 'STOPPING', to: 'STOPPED' }));
    feed.publish(change({ from: 'STOPPED', to: 'STARTING' }));
    const { text } = await scrape();
    expect(text).toMatch(/^hoody_program_exits_total\{.*\} 2$/m);
    expect(text).toMatch(/^hoody_program_crashes_total\{.*\} 1$/m);
    expect(text).toMatch(/^hoody_program_restarts_total\{.*\} 1$/m);
  });

  it('have no series of a program that is removed, also when it comes back', async () => {
    source.list = [running({})];
    feed.publish(change({ from: 'RUNNING', to: 'FATAL' }));
    expect((await scrape()).text).toContain('hoody_program_crashes_total{program="web",port=""} 1');
    source.list = [];
    expect((await scrape()).text).not.toContain('program="web"');
    source.list = [running({})];
    expect((await scrape()).text).toContain('hoody_program_crashes_total{program="web",port=""} 0');
  });

  it('escape what would break a label', async () => {
    source.list = [running({ program: 'a"b\\c\nd' })];
    const { text } = await scrape();
    expect(text).toContain('hoody_program_up{program="a\\"b\\\\c\\nd",port=""} 1');
    expect(problemsOf(text, false)).toEqual([]);
  });

  it('are at most nine series for each of 1,000 instances', async () => {
    source.list = Array.from({ length: 1000 }, (_, i) => running({ port: 3000 + i, pid: i + 1 }));
    for (const { pid } of source.list)
      source.trees.set(Number(pid), {
        cpu_percent: 1,
        memory_rss_bytes: 1,
        process_count: 1,
        started_at: '',
      });
    const series = (await scrape()).text.split('\n').filter((line) => line.includes('program="web"'));
    expect(series).toHaveLength(9_000);
  });

  it('forget programs that come and go, even while nobody asks for them', async () => {
    feed.publish(change({ program: 'eph-0', to: 'FATAL' }));
    for (let i = 1; i <= 6_000; i++) feed.publish(change({ program: `eph-${i}` }));
    source.list = [running({ program: 'eph-0' })];
    expect((await scrape()).text).toContain('hoody_program_crashes_total{program="eph-0",port=""} 0');
  });

  it('answer without processor and memory when these cannot be had', async () => {
    source.list = [running({ pid: 11 })];
    source.stats = () => Promise.reject(new Error('no /proc'));
    const { text, status } = await scrape();
    expect(status).toBe(200);
    expect(text).toContain('hoody_program_up{program="web",port=""} 1');
    expect(text).not.toContain('hoody_program_cpu_usage_ratio{');
  });

  it('time requests under the pattern of their route, never under their path', async () => {
    await app.inject('/programs/web');
    await app.inject('/programs/api');
    await app.inject('/no/such/path');
    const { text } = await scrape();
    expect(text).toMatch(
      /^hoody_http_request_duration_seconds_count\{method="GET",route="\/programs\/:id",status="200"\} 2$/m,
    );
    expect(text).toMatch(
      /^hoody_http_request_duration_seconds_count\{method="GET",route="unknown",status="404"\} 1$/m,
    );
    expect(text).not.toContain('such');
  });

  it('leave event streams out of the times, and count those that are open', async () => {
    await fetch(`${await app.getUrl()}/stream`);
    expect((await scrape()).text).toMatch(/^hoody_event_streams_open 1$/m);
    const ended = streamEnded;
    app.get(EventStreams).closeAll();
    await ended;
    const { text } = await scrape();
    expect(text).not.toContain('route="/stream"');
  });

  it('measure how late changes are told, but not those that were found out afterwards', async () => {
    feed.publish(change({ time: new Date(Date.now() - 70).toISOString() }));
    feed.publish(change({ time: '2020-01-01T00:00:00.000Z', inferred: true }));
    const { text } = await scrape();
    expect(text).toMatch(/^hoody_event_lag_seconds_count 1$/m);
    expect(text).toMatch(/^hoody_event_lag_seconds_bucket\{le="0.05"\} 0$/m);
  });

  it('tell of supervisord, the mirror and the webhooks', async () => {
    source.isConnected = false;
    const { text } = await scrape();
    expect(text).toMatch(/^hoody_supervisor_connected 0$/m);
    expect(text).toMatch(/^hoody_mirror_mode\{mode="bridge"\} 1$/m);
    expect(text).toMatch(/^hoody_mirror_mode\{mode="polling"\} 0$/m);
    expect(text).toMatch(/^hoody_webhook_deliveries_total\{outcome="failed"\} 0$/m);
    expect(text).toMatch(/^nodejs_eventloop_lag_seconds /m);
  });

  it('belong to one app alone', async () => {
    const other = await startApp(new FakeSource());
    source.list = [running({})];
    const answer = await other.inject('/metrics');
    expect(answer.body).not.toContain('program="web"');
    await other.close();
  });

  let streamEnded: Promise<unknown>;

  async function startApp(of: FakeSource): Promise<NestFastifyApplication> {
    @Global()
    @Module({
      providers: [
        ChangeFeed,
        EventStreams,
        { provide: InstanceMetricsSource, useValue: of },
        { provide: ConfigRepository, useValue: { program: () => ({ webhooks: null }), programs: () => [] } },
        { provide: FailureDetails, useValue: { failureOf: () => null } },
        { provide: SETTINGS, useValue: { webhookAllowPrivate: false } },
      ],
      exports: [ChangeFeed, EventStreams, InstanceMetricsSource, ConfigRepository, FailureDetails, SETTINGS],
    })
    class Surroundings {}
    const module = await Test.createTestingModule({ imports: [Surroundings, MetricsModule] }).compile();
    const started = module.createNestApplication<NestFastifyApplication>(new FastifyAdapter(), {
      logger: false,
    });
    const fastify = started.getHttpAdapter().getInstance();
    installRequestMetrics(fastify, started.get(MetricsService));
    streamEnded = new Promise<void>((resolve) => {
      fastify.addHook('onResponse', async (request) => {
        if (request.url === '/stream') resolve();
      });
    });
    fastify.get('/programs/:id', async () => 'program');
    fastify.get('/stream', (request, reply) => void started.get(EventStreams).open(request, reply));
    await started.listen(0, '127.0.0.1');
    return started;
  }

  async function scrape(accept?: string) {
    const answer = await app.inject({ url: '/metrics', headers: accept === undefined ? {} : { accept } });
    return {
      text: answer.body,
      contentType: String(answer.headers['content-type']),
      status: answer.statusCode,
    };
  }
});

class FakeSource extends InstanceMetricsSource {
  list: InstanceMetrics[] = [];
  isConnected = true;
  readonly trees = new Map<number, ProcessTreeStats>();

  instances(): InstanceMetrics[] {
    return this.list;
  }

  stats(pids: number[]): Promise<ReadonlyMap<number, ProcessTreeStats>> {
    return Promise.resolve(new Map([...this.trees].filter(([pid]) => pids.includes(pid))));
  }

  connected(): boolean {
    return this.isConnected;
  }

  mode(): 'bridge' {
    return 'bridge';
  }
}

function running(of: Partial<InstanceMetrics>): InstanceMetrics {
  return { program: 'web', port: null, status: 'RUNNING', pid: 10, started_at_ms: 1_700_000_000_000, ...of };
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const SAMPLE =
  /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*",?)*)\})? (\S+)$/;
const SUFFIXES: Record<string, RegExp> = {
  histogram: /_(bucket|sum|count)$/,
  summary: /_(sum|count)$|(?<!_total)$/,
};

/** What `promtool check metrics` and the OpenMetrics specification would find wrong. */
function problemsOf(text: string, isOpenMetrics: boolean): string[] {
  const problems: string[] = [];
  const types = new Map<string, string>();
  const helped = new Set<string>();
  const series = new Set<string>();
  const closed = new Set<string>();
  let family = '';

  if (!text.endsWith('\n')) problems.push('the last line has no end');
  if (isOpenMetrics !== text.endsWith('\n# EOF\n')) problems.push('# EOF');
  for (const line of text
    .replace(/# EOF\n$/, '')
    .split('\n')
    .slice(0, -1)) {
    if (line === '') {
      if (isOpenMetrics) problems.push('blank line');
      continue;
    }
    const meta = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line);
    if (meta) {
      const [, kind, name, rest] = meta as unknown as [string, string, string, string];
      if (!NAME.test(name)) problems.push(`name: ${name}`);
      if (kind === 'HELP' ? helped.has(name) : types.has(name)) problems.push(`second ${kind} of ${name}`);
      if (name !== family) {
        if (closed.has(name)) problems.push(`${name} is in two places`);
        closed.add(family);
        family = name;
      }
      if (kind === 'HELP') helped.add(name);
      else types.set(name, rest);
      if (kind === 'TYPE' && rest === 'counter' && name.endsWith('_total') === isOpenMetrics)
        problems.push(`counter ${name}`);
      continue;
    }
    const sample = SAMPLE.exec(line);
    if (!sample) {
      problems.push(`not a sample: ${line}`);
      continue;
    }
    const [, name, labels, value] = sample as unknown as [string, string, string | undefined, string];
    const type = types.get(family);
    if (!helped.has(family) || !type) problems.push(`${name} without HELP and TYPE`);
    if (!isMemberOf(name, family, type, isOpenMetrics)) problems.push(`${name} is not of ${family}`);
    if (Number.isNaN(Number(value)) && !/^([+-]Inf|Na[Nn])$/.test(value)) problems.push(`value: ${line}`);
    const key = `${name}{${(labels ?? '')
      .split(/,(?=[a-z])/)
      .sort()
      .join()}}`;
    if (series.has(key)) problems.push(`twice: ${key}`);
    series.add(key);
  }
  return problems;
}

function isMemberOf(name: string, family: string, type: string | undefined, isOpenMetrics: boolean): boolean {
  if (type === 'counter') return name === (isOpenMetrics ? `${family}_total` : family);
  const suffix = SUFFIXES[type ?? ''];
  return suffix ? name.startsWith(family) && suffix.test(name) : name === family;
}
