/** Whether programs that come and go leave anything behind: resident memory, look by look. */
import { figure, LOOP, rssMiB, Service, USER } from './support.mjs';

const CYCLES = Number(process.env.BENCH_CYCLES ?? 2000);
const LOOKS = 5;

export default async function memory() {
  // A small young generation, so that what is left is what is held.
  const service = await Service.start({ NODE_OPTIONS: '--max-semi-space-size=1' });
  const rss = { service: [], supervisord: [] };
  // The journal and the metrics' window fill up first.
  for (let look = 0; look <= LOOKS; look++) {
    for (let i = 0; i < CYCLES / LOOKS; i++) await cycle(service, `cycle ${look}-${i}`);
    rss.service.push(rssMiB(service.pid));
    rss.supervisord.push(rssMiB(service.supervisorPid));
  }
  const text = (values) => values.map((value) => value.toFixed(0)).join(' ');
  figure(
    `RSS of the service, each ${CYCLES / LOOKS} cycles: ${text(rss.service)}; growth`,
    rss.service.at(-1) - rss.service[1],
    { unit: 'MiB' },
  );
  figure(
    `RSS of supervisord: ${text(rss.supervisord)}; growth`,
    rss.supervisord.at(-1) - rss.supervisord[1],
    { unit: 'MiB' },
  );
}

async function cycle(service, name) {
  const id = await service.add({ name });
  await service.post(`programs/${id}/start`);
  await service.post(`programs/${id}/stop`);
  await service.post(`programs/remove/${id}`);
  const { temporary_id } = await service.post('quick-start', { command: LOOP, user: USER });
  await service.post(`quick-start/${temporary_id}/stop`);
}
