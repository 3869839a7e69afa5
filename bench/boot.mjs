/** How long the service takes to start: from the spawn of node to the first healthy answer. */
import { figure, FLEET_SIZE, Service } from './support.mjs';

const RUNS = 5;
const PROGRAMS = 300;

export default async function boot() {
  await restarts('no program', async () => undefined);
  await restarts(`${PROGRAMS} programs registered`, async (service) => {
    for (let i = 0; i < PROGRAMS; i++) await service.add({ name: `program ${i}` });
  });
  await restarts(`a program of ${FLEET_SIZE} running instances, which run on`, (service) =>
    service.runFleet(),
  );
}

async function restarts(title, prepare) {
  const service = await Service.start();
  await prepare(service);
  const before = pidsOf(await service.get('status'));
  const samples = [];
  for (let i = 0; i < RUNS; i++) {
    await service.end();
    samples.push(await service.start());
  }
  const after = pidsOf(await service.get('status'));
  figure(`restart of the service, ${title}`, samples);
  if (before.length > 0)
    figure('  instances with the same pid as before', after.filter((pid, i) => pid === before[i]).length, {
      unit: `of ${before.length}`,
    });
  await service.dispose();
}

function pidsOf(programs) {
  return programs.flatMap(({ pid, instances }) => instances?.map((one) => one.pid) ?? pid).filter(Boolean);
}
