/** What 1000 running instances cost while nothing happens. */
import { setTimeout as delay } from 'node:timers/promises';
import { cpuMs, figure, FLEET_SIZE, reference, rssMiB, Service } from './support.mjs';
import { programSection, StockSupervisor } from './stock.mjs';

const SECONDS = 20;

export default async function idle() {
  const stock = await reference(stockIdle);
  const service = await Service.start();
  figure('RSS of the service without programs', rssMiB(service.pid), { unit: 'MiB' });
  await service.runFleet();
  await delay(2000);
  const against = 'stock supervisord';
  const [supervisord, own] = await Promise.all([
    shareOfCore(service.supervisorPid),
    shareOfCore(service.pid),
  ]);
  figure(`idle: supervisord and bridge, ${FLEET_SIZE} running`, supervisord, {
    unit: '% of a core',
    target: '< 1',
    reference: stock.share,
    against,
  });
  figure(`idle: the service, ${FLEET_SIZE} running`, own, { unit: '% of a core' });
  figure(`RSS of supervisord and bridge, ${FLEET_SIZE} running`, rssMiB(service.supervisorPid), {
    unit: 'MiB',
    reference: stock.memory,
    against,
  });
  figure(`RSS of the service, ${FLEET_SIZE} running`, rssMiB(service.pid), { unit: 'MiB' });
}

async function stockIdle() {
  const programs = Array.from({ length: FLEET_SIZE }, (_, i) => programSection(`one${i}`)).join('');
  const stock = await StockSupervisor.start(programs);
  for (let i = 0; i < FLEET_SIZE; i++) await stock.call('supervisor.startProcess', `one${i}`, false);
  const share = await shareOfCore(stock.child.pid);
  const memory = rssMiB(stock.child.pid);
  await stock.call('supervisor.stopAllProcesses', true);
  return { share, memory };
}

async function shareOfCore(pid) {
  const before = cpuMs(pid);
  await delay(SECONDS * 1000);
  return (cpuMs(pid) - before) / (SECONDS * 10);
}
