/** Starts and stops a program of 1000 instances; counts what the event stream tells; times others meanwhile. */
import { setTimeout as delay } from 'node:timers/promises';
import {
  cpuMs,
  figure,
  FLEET_PORTS,
  FLEET_SIZE,
  LOOP,
  reference,
  Service,
  timed,
  until,
  USER,
} from './support.mjs';
import { programSection, StockSupervisor } from './stock.mjs';

export default async function fleet() {
  const stock = await reference(stockFleet);
  const service = await Service.start();
  const other = await service.add({ name: 'other' });
  const id = await service.addFleet();
  const events = [];
  const lags = [];
  const close = await service.stream('events', (event, data) => {
    if (event !== 'state' || data.program !== id) return;
    lags.push(Date.now() - Date.parse(data.time));
    events.push(data);
  });

  const cpu = { service: cpuMs(service.pid), supervisord: cpuMs(service.supervisorPid) };
  const start = await beside(service, other, () => service.post(`programs/${id}/start`, { all: true }));
  figure('CPU of the service for the start', cpuMs(service.pid) - cpu.service);
  figure('CPU of supervisord for the start', cpuMs(service.supervisorPid) - cpu.supervisord);
  const afterStart = { service: cpuMs(service.pid), supervisord: cpuMs(service.supervisorPid) };
  const stop = await beside(service, other, () => service.post(`programs/${id}/stop`, { all: true }));
  figure('CPU of the service for the stop', cpuMs(service.pid) - afterStart.service);
  figure('CPU of supervisord for the stop', cpuMs(service.supervisorPid) - afterStart.supervisord);
  await until(
    () => delay(10),
    () => events.length >= 4 * FLEET_SIZE,
    5000,
  ).catch(() => undefined);
  close();

  const against = 'stock, one startProcess after the other';
  figure(`start of ${FLEET_SIZE}`, start.ms, { reference: stock.start, against });
  figure(`stop of ${FLEET_SIZE}`, stop.ms, { reference: stock.stop, against: 'stock, stopAllProcesses' });
  figure('transitions told by GET /events', events.length, { unit: `of ${4 * FLEET_SIZE}` });
  figure('instances whose four transitions came in order', inOrder(events), { unit: `of ${FLEET_SIZE}` });
  figure('transition -> client of GET /events', lags, { target: '<= 20 ms' });
  for (const [what, { others }] of Object.entries({ start, stop })) {
    figure(`GET /status meanwhile (${what})`, others.statuses);
    figure(`GET /health/live meanwhile (${what})`, others.lives);
    figure(`quick-start to RUNNING meanwhile (${what})`, others.quickStarts);
    figure(`start of another meanwhile (${what})`, others.starts);
    figure(`stop of another meanwhile (${what})`, others.stops);
  }
}

/** How long the work takes, and what others wait meanwhile. */
async function beside(service, other, work) {
  let isOver = false;
  const others = { statuses: [], lives: [], quickStarts: [], starts: [], stops: [] };
  const keep = async (step) => {
    while (!isOver) {
      await step();
      await delay(20);
    }
  };
  const clients = [
    keep(async () => void others.statuses.push(await timed(() => service.get('status')))),
    keep(async () => void others.lives.push(await timed(() => service.raw('GET', 'health/live')))),
    keep(async () => {
      let id;
      const launch = async () =>
        ({ temporary_id: id } = await service.post('quick-start', { command: LOOP, user: USER }));
      others.quickStarts.push(await timed(launch));
      await service.post(`quick-start/${id}/stop`);
    }),
    keep(async () => {
      others.starts.push(await timed(() => service.post(`programs/${other}/start`)));
      others.stops.push(await timed(() => service.post(`programs/${other}/stop`)));
    }),
  ];
  const ms = await timed(work).finally(() => (isOver = true));
  await Promise.all(clients);
  return { ms, others };
}

function inOrder(events) {
  const byPort = Map.groupBy?.(events, ({ port }) => port) ?? group(events);
  const expected = 'STOPPED>STARTING STARTING>RUNNING RUNNING>STOPPING STOPPING>STOPPED';
  let count = 0;
  for (let port = FLEET_PORTS.start; port <= FLEET_PORTS.end; port++)
    if ((byPort.get(port) ?? []).map(({ from, to }) => `${from}>${to}`).join(' ') === expected) count++;
  return count;
}

function group(events) {
  const groups = new Map();
  for (const event of events) groups.set(event.port, [...(groups.get(event.port) ?? []), event]);
  return groups;
}

async function stockFleet() {
  const names = Array.from({ length: FLEET_SIZE }, (_, i) => `one${i}`);
  const stock = await StockSupervisor.start(names.map((name) => programSection(name)).join(''));
  const start = await timed(async () => {
    for (const name of names) await stock.call('supervisor.startProcess', name, false);
    await until(
      () => stock.info(names.at(-1)),
      ({ statename }) => statename === 'RUNNING',
    );
  });
  const stop = await timed(() => stock.call('supervisor.stopAllProcesses', true));
  return { start, stop };
}
