/** How long the service takes to start: from the spawn of node to the first healthy answer. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { figure, FLEET_SIZE, Service, temporaryFolder } from './support.mjs';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const RUNS = 5;
const PROGRAMS = 300;

export default async function boot() {
  figure('npm start, warm, to listening', await npmStarts(), { target: '< 3000 ms' });
  await restarts('no program', async () => undefined);
  await restarts(`${PROGRAMS} programs registered`, async (service) => {
    for (let i = 0; i < PROGRAMS; i++) await service.add({ name: `program ${i}` });
  });
  await restarts(`a program of ${FLEET_SIZE} running instances, which run on`, (service) =>
    service.runFleet(),
  );
}

async function npmStarts() {
  const samples = [];
  for (let i = 0; i < RUNS + 1; i++) {
    const began = performance.now();
    const child = spawn('npm', ['start', '--silent'], {
      cwd: ROOT,
      env: {
        ...process.env,
        DAEMON_STATE_DIR: temporaryFolder(),
        DAEMON_PORT: '0',
        DAEMON_LOG_LEVEL: 'error',
        DAEMON_ON_STOP: 'shutdown',
      },
      stdio: ['ignore', 'inherit', 'pipe'],
    });
    let output = '';
    const exited = once(child, 'exit');
    await new Promise((resolve, reject) => {
      child.stderr.on('data', (data) => (output += data).includes('API ') && resolve());
      exited.then(() => reject(new Error(output)));
    });
    if (i > 0) samples.push(performance.now() - began);
    child.kill();
    await exited;
  }
  return samples;
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
