import { readFileSync } from 'node:fs';
import { parseExposition, type Sample } from '../support/exposition';
import { Service } from '../support/service';

const TOKEN = 'a-token-of-thirty-two-characters-1';

describe('the metrics', () => {
  let service: Service;
  beforeAll(async () => void (service = await Service.start()));
  afterAll(() => service.dispose());

  const scrape = async (): Promise<Sample[]> => parseExposition((await service.get<string>('/metrics')).body);
  const value = (samples: Sample[], name: string, labels: Record<string, string> = {}): number | undefined =>
    samples.find(
      (one) =>
        one.name === name && Object.entries(labels).every(([label, text]) => one.labels[label] === text),
    )?.value;

  it('can be parsed, as Prometheus text and as OpenMetrics', async () => {
    await service.add();
    const plain = await service.get<string>('/metrics');
    expect(plain.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(parseExposition(plain.body).length).toBeGreaterThan(20);
    const open = await service.get<string>('/metrics', {
      accept: 'application/openmetrics-text; version=1.0.0',
    });
    expect(open.headers.get('content-type')).toMatch(/^application\/openmetrics-text; version=1\.0\.0/);
    expect(open.body.endsWith('# EOF\n')).toBe(true);
  });

  it('follow what happens to a program', async () => {
    const id = await service.add({ autorestart: 'true', port_range: { start: 23950, end: 23950 } });
    const labels = { program: id, port: '23950' };
    expect(value(await scrape(), 'hoody_program_up', labels)).toBe(0);
    expect(value(await scrape(), 'hoody_program_state', { ...labels, state: 'STOPPED' })).toBe(1);

    const { pid } = (await service.post(`programs/${id}/start`)).body;
    const began = Date.now() / 1000;
    const running = await scrape();
    expect(value(running, 'hoody_program_up', labels)).toBe(1);
    expect(value(running, 'hoody_program_state', { ...labels, state: 'RUNNING' })).toBe(1);
    expect(value(running, 'hoody_program_state', { ...labels, state: 'STOPPED' })).toBeUndefined();
    expect(Math.abs(value(running, 'hoody_program_start_time_seconds', labels)! - began)).toBeLessThan(5);
    expect(value(running, 'hoody_program_restarts_total', labels)).toBe(0);
    expect(value(running, 'hoody_instances', { state: 'RUNNING' })).toBe(1);

    process.kill(pid, 'SIGKILL');
    await service.until(`status/${id}`, (status) => status.status === 'RUNNING' && status.pid !== pid);
    const restarted = await scrape();
    expect(value(restarted, 'hoody_program_restarts_total', labels)).toBe(1);
    expect(value(restarted, 'hoody_program_crashes_total', labels)).toBe(1);
    expect(value(restarted, 'hoody_program_exits_total', labels)).toBe(1);

    await service.post(`programs/remove/${id}`);
    expect((await scrape()).filter(({ labels: { program } }) => program === id)).toEqual([]);
  });

  it('tell the memory and the cpu of the real process', async () => {
    const id = await service.add({
      command: `exec ${process.execPath} -e "globalThis.kept = Buffer.alloc(100e6, 1); for (;;);"`,
    });
    const { pid } = (await service.post(`programs/${id}/start`)).body;
    let samples: Sample[] = [];
    for (const deadline = Date.now() + 15_000; Date.now() < deadline;) {
      samples = await scrape();
      if (value(samples, 'hoody_program_memory_rss_bytes', { program: id })! > 100e6) break;
    }
    const resident = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024;
    const told = value(samples, 'hoody_program_memory_rss_bytes', { program: id })!;
    expect(Math.abs(told - resident) / resident).toBeLessThan(0.25);
    for (const deadline = Date.now() + 15_000; Date.now() < deadline;) {
      samples = await scrape();
      if (value(samples, 'hoody_program_cpu_usage_ratio', { program: id })! > 0.1) break;
    }
    expect(value(samples, 'hoody_program_cpu_usage_ratio', { program: id })).toBeGreaterThan(0.1);
    expect(value(samples, 'hoody_program_processes', { program: id })).toBe(1);
    await service.post(`programs/remove/${id}`);
  }, 40_000);

  it('tell how the service does: routes, event lag, supervisord, Node', async () => {
    await service.get('programs/nobody');
    await fetch(`${service.address}/no/such/path/whatever`);
    const samples = await scrape();
    const count = 'hoody_http_request_duration_seconds_count';
    expect(
      value(samples, count, { method: 'GET', route: '/api/v1/daemon/programs/:id', status: '404' }),
    ).toBeGreaterThan(0);
    expect(samples.filter(({ labels }) => /nobody|whatever/.test(JSON.stringify(labels)))).toEqual([]);
    expect(value(samples, 'hoody_event_lag_seconds_count')).toBeGreaterThan(0);
    expect(value(samples, 'hoody_supervisor_connected')).toBe(1);
    expect(value(samples, 'hoody_mirror_mode', { mode: 'bridge' })).toBe(1);
    expect(value(samples, 'process_resident_memory_bytes')).toBeGreaterThan(1e6);
    expect(value(samples, 'nodejs_eventloop_lag_seconds')).toBeDefined();
  });

  it('stay bounded, and fast, for 1,000 instances', async () => {
    const before = (await scrape()).length;
    const id = await service.add({ port_range: { start: 25000, end: 25999 } });
    const began = Date.now();
    const samples = await scrape();
    expect(Date.now() - began).toBeLessThan(2000);
    expect(samples.length - before).toBeLessThanOrEqual(10_000);
    expect(value(samples, 'hoody_program_up', { program: id, port: '25999' })).toBe(0);
    await service.post(`programs/remove/${id}`);
    expect((await scrape()).length).toBeLessThan(before + 100);
  });

  it('need the token, unless they are made public', async () => {
    const closed = await Service.start({ env: { DAEMON_TOKEN: TOKEN } });
    try {
      expect((await closed.get('/metrics')).body).toMatchObject({ code: 'UNAUTHORIZED' });
      expect((await closed.get('/metrics', { authorization: `Bearer ${TOKEN}` })).status).toBe(200);
    } finally {
      await closed.dispose();
    }
    const open = await Service.start({ env: { DAEMON_TOKEN: TOKEN, DAEMON_METRICS_PUBLIC: 'true' } });
    try {
      expect((await open.get('/metrics')).status).toBe(200);
      expect((await open.get('programs')).status).toBe(401);
    } finally {
      await open.dispose();
    }
  });
});
