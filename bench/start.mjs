/** quick-start, and add and start of a program, to RUNNING, alone and beside a program of 1000 instances. */
import { figure, FLEET_SIZE, LOOP, reference, repeat, Service, timed, USER } from './support.mjs';
import { StockSupervisor } from './stock.mjs';

const RUNS = 60;
const STOCK_RUNS = 3;

export default async function start() {
  const alone = await reference(() => stockAdds(0, RUNS));
  const beside = await reference(() => stockAdds(FLEET_SIZE, STOCK_RUNS));
  const service = await Service.start();
  await measure(service, 'alone', alone);
  await service.runFleet();
  await measure(service, `beside ${FLEET_SIZE} running instances`, beside);
}

async function measure(service, where, compared) {
  const running = [];
  const quickStarts = await repeat(RUNS, async () => {
    const began = performance.now();
    const { temporary_id, status } = await service.post('quick-start', { command: LOOP, user: USER });
    if (status !== 'RUNNING') throw new Error(`quick-start is ${status}`);
    running.push(temporary_id);
    return performance.now() - began;
  });
  const quickStops = await repeat(RUNS, () => timed(() => service.post(`quick-start/${running.pop()}/stop`)));
  const adds = [];
  const starts = [];
  const stops = [];
  const both = await repeat(RUNS, async (i) => {
    const began = performance.now();
    const id = await service.add({ name: `added ${where} ${i}` });
    const added = performance.now();
    const { status } = await service.post(`programs/${id}/start`);
    if (status !== 'RUNNING') throw new Error(`start is ${status}`);
    const started = performance.now();
    await service.post(`programs/${id}/stop`);
    stops.push(performance.now() - started);
    await service.post(`programs/remove/${id}`);
    adds.push(added - began);
    starts.push(started - added);
    return started - began;
  });
  const stock = { reference: compared.both, against: 'stock (reread, add, start)' };
  figure(`quick-start to RUNNING, ${where}`, quickStarts, { target: '<= 60 ms', ...stock });
  figure(`quick-start's stop, ${where}`, quickStops);
  figure(`add and start to RUNNING, ${where}`, both, { target: '<= 60 ms', ...stock });
  figure(`  add, ${where}`, adds);
  figure(`  start to RUNNING, ${where}`, starts, { reference: compared.starts, against: 'stock' });
  figure(`  stop, ${where}`, stops, { reference: compared.stops, against: 'stock' });
}

/** Beside `others` programs with an include file each, as a wrapper without a plugin has to do it. */
async function stockAdds(others, runs) {
  const stock = await StockSupervisor.start();
  for (let i = 0; i < others; i++) stock.writeProgram(`other${i}`);
  const starts = [];
  const stops = [];
  const both = await repeat(
    runs,
    async (i) => {
      const began = performance.now();
      stock.writeProgram(`added${i}`);
      await stock.call('supervisor.reloadConfig');
      await stock.call('supervisor.addProcessGroup', `added${i}`);
      const added = performance.now();
      await stock.call('supervisor.startProcess', `added${i}`, true);
      const started = performance.now();
      await stock.call('supervisor.stopProcess', `added${i}`, true);
      stops.push(performance.now() - started);
      await stock.call('supervisor.removeProcessGroup', `added${i}`);
      stock.dropProgram(`added${i}`);
      starts.push(started - added);
      return started - began;
    },
    runs > STOCK_RUNS ? 3 : 0,
  );
  return { both, starts, stops };
}
