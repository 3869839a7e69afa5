/** Requests per second and latency of what is asked for most, against bare Fastify that sends a ready text. */
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { appendFileSync, closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { atEnd, figure, FLEET_SIZE, reference, repeat, Service, temporaryFolder, timed } from './support.mjs';
import { programSection, StockSupervisor } from './stock.mjs';

const require = createRequire(import.meta.url);
const autocannon = require('autocannon');
const SECONDS = 5;
const CLIENTS = 8;
const LOG_BYTES = 1e9;

export default async function http() {
  const stock = await reference(stockLatency);
  const service = await Service.start();
  const one = await service.add({ name: 'one' });
  await service.post(`programs/${one}/start`);
  await service.runFleet();
  const status = (await service.raw('GET', 'status')).text;
  const single = (await service.raw('GET', `status/${one}`)).text;
  const bareAll = await bareFastify(status);
  const bareOne = await bareFastify(single);

  const ours = (path) => `http://127.0.0.1:${service.port}/api/v1/daemon/${path}`;
  const against = 'bare Fastify with a ready text';
  const pairs = [
    [`GET /status, ${FLEET_SIZE} instances`, 'status', bareAll],
    ['GET /status/{id}', `status/${one}`, bareOne],
    [`GET /status/{id} of ${FLEET_SIZE} instances`, 'status/fleet', bareAll],
    ['GET /programs', 'programs', bareOne],
    ['GET /health/live', 'health/live', bareOne],
  ];
  for (const [title, path, bare] of pairs) {
    const ready = await ratePerSecond(bare);
    const { perSecond, p50, p99 } = await ratePerSecond(ours(path));
    figure(`${title}, ${CLIENTS} clients`, perSecond, { unit: '/s', reference: ready.perSecond, against });
    figure('  latency of these, p50', p50, { reference: ready.p50, against });
    figure('  latency of these, p99', p99);
  }

  figure('GET /status, one client', await repeat(200, () => timed(() => service.get('status'))), {
    reference: stock.all,
    against: 'stock getAllProcessInfo',
  });
  figure('GET /status/{id}, one client', await repeat(500, () => timed(() => service.get(`status/${one}`))), {
    reference: stock.one,
    against: 'stock getProcessInfo',
  });
  const { starts, stops } = await cycles(service, one);
  figure('start to RUNNING of one', starts, { reference: stock.starts, against: 'stock' });
  figure('stop of one', stops, { reference: stock.stops, against: 'stock' });
  await logs(service, stock.log);
}

async function cycles(service, id) {
  const starts = [];
  const stops = [];
  await repeat(60, async () => {
    stops.push(await timed(() => service.post(`programs/${id}/stop`)));
    starts.push(await timed(() => service.post(`programs/${id}/start`)));
  });
  return { starts, stops };
}

async function logs(service, stockRead) {
  const id = await service.add({ name: 'talks', log_max_bytes: 0 });
  await service.post(`programs/${id}/start`);
  const file = join(service.stateDir, 'logs', `${id}.stdout.log`);
  const small = 'a line of log, as long as most of them are\n'.repeat(1000);
  appendFileSync(file, small);
  const ask = () => timed(() => service.get(`programs/${id}/logs?lines=100`));
  const ofSmall = await repeat(200, ask);
  growTo(file, LOG_BYTES, small);
  const ofLarge = await repeat(200, ask);
  figure('last 100 lines of a log of 43 kB', ofSmall);
  figure('last 100 lines of a log of 1 GB', ofLarge, {
    reference: stockRead,
    against: 'stock readProcessStdoutLog',
  });

  const latencies = [];
  let told = 0;
  const close = await service.stream(
    `programs/${id}/logs/stream`,
    (event, data, at) => {
      if (data.line === 'ping') told = at;
    },
    '?lines=1',
  );
  const fd = openSync(file, 'a');
  for (let i = 0; i < 60; i++) {
    told = 0;
    const began = performance.now();
    writeSync(fd, 'ping\n');
    while (told === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    latencies.push(told - began);
  }
  closeSync(fd);
  close();
  figure('written to a log -> event at the reader', latencies, { target: '<= 50 ms' });
}

function growTo(file, bytes, text) {
  const fd = openSync(file, 'a');
  const block = Buffer.from(text.repeat(100));
  for (let size = 0; size < bytes; size += block.length) writeSync(fd, block);
  closeSync(fd);
}

async function stockLatency() {
  const programs = Array.from({ length: FLEET_SIZE }, (_, i) => programSection(`one${i}`)).join('');
  const stock = await StockSupervisor.start(programs);
  for (let i = 0; i < FLEET_SIZE; i++) await stock.call('supervisor.startProcess', `one${i}`, false);
  const all = await repeat(5, () => timed(() => stock.call('supervisor.getAllProcessInfo')), 1);
  const one = await repeat(50, () => timed(() => stock.info('one5')));
  const log = await repeat(50, () =>
    timed(() => stock.call('supervisor.readProcessStdoutLog', 'one5', -4300, 0)),
  );
  const starts = [];
  const stops = [];
  await repeat(40, async () => {
    stops.push(await timed(() => stock.call('supervisor.stopProcess', 'one5', true)));
    starts.push(await timed(() => stock.call('supervisor.startProcess', 'one5', true)));
  });
  await stock.call('supervisor.stopAllProcesses', true);
  return { all, one, log, starts, stops };
}

async function ratePerSecond(url) {
  const result = await autocannon({
    url,
    connections: CLIENTS,
    duration: SECONDS,
    headers: { host: '127.0.0.1' },
  });
  if (result.non2xx + result.errors > 0)
    throw new Error(`${url}: ${result.non2xx} bad answers, ${result.errors} errors`);
  return { perSecond: result.requests.average, p50: result.latency.p50, p99: result.latency.p99 };
}

/** In a process of its own, as the service is. @returns its URL */
async function bareFastify(text) {
  const source = `
    const buffer = Buffer.from(process.env.TEXT_FILE ? require('node:fs').readFileSync(process.env.TEXT_FILE) : '');
    const app = require(${JSON.stringify(require.resolve('fastify'))})();
    app.get('/', (_, reply) => reply.type('application/json; charset=utf-8').send(buffer));
    app.listen({ port: 0, host: '127.0.0.1' }).then((url) => console.log(url));`;
  const file = join(temporaryFolder(), 'answer.json');
  appendFileSync(file, text);
  const child = spawn(process.execPath, ['-e', source], {
    env: { ...process.env, TEXT_FILE: file },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  atEnd(() => child.kill());
  return await new Promise((resolve) => child.stdout.once('data', (data) => resolve(String(data).trim())));
}
