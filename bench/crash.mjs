/** A program older than a second is killed: when is that seen, when does its replacement run, when is it told? */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { figure, reference, repeat, Service, until } from './support.mjs';
import { programSection, StockSupervisor } from './stock.mjs';

const KILLS = 40;
const STOCK_KILLS = 8;
/** Its replacement would otherwise be held back: an early end counts as a failed start. */
const OLD_ENOUGH_MS = 1100;

export default async function crash() {
  const stock = await reference(stockKills);
  const service = await Service.start();
  for (const [title, size] of [
    ['10 programs', 9],
    ['10 programs and 1000 instances', 1000],
  ]) {
    if (size === 9)
      for (let i = 0; i < size; i++) {
        const id = await service.add({ name: `other-${i}` });
        await service.post(`programs/${id}/start`);
      }
    else await service.runFleet();
    const kills = await serviceKills(service, `victim-${size}`);
    const against = 'stock supervisord';
    figure(`killed -> seen in GET /status/{id}, ${title}`, kills.seen, {
      target: '<= 10 ms',
      reference: stock.seen,
      against,
    });
    figure(`killed -> replacement RUNNING in GET /status/{id}, ${title}`, kills.replaced, {
      target: '<= 15 ms',
      reference: stock.replaced,
      against,
    });
    figure(`killed -> end told by GET /events, ${title}`, kills.told, { target: '<= 20 ms' });
  }
}

async function serviceKills(service, name) {
  const id = await service.add({ name, autorestart: 'true', start_seconds: 1 });
  let told = 0;
  const close = await service.stream('events', (event, data, at) => {
    if (event === 'state' && data.program === id && (data.to === 'FATAL' || data.to === 'STARTING'))
      told ||= at;
  });
  let { pid } = await service.post(`programs/${id}/start`);
  const result = { seen: [], replaced: [], told: [] };
  await repeat(KILLS, async (i) => {
    await delay(OLD_ENOUGH_MS);
    told = 0;
    const old = pid;
    const began = performance.now();
    process.kill(old, 'SIGKILL');
    await until(
      () => service.get(`status/${id}`),
      (status) => status.pid !== old,
    );
    const seen = performance.now() - began;
    const next = await until(
      () => service.get(`status/${id}`),
      (status) => status.pid !== null && status.pid !== old,
    );
    const replaced = performance.now() - began;
    await until(
      () => delay(1),
      () => told > 0,
    );
    pid = next.pid;
    if (i < 3) return;
    result.seen.push(seen);
    result.replaced.push(replaced);
    result.told.push(told - began);
  });
  close();
  return result;
}

/** Looked at from outside: every question would wake its loop, which otherwise sleeps for up to a second. */
async function stockKills() {
  const stock = await StockSupervisor.start(programSection('victim', 'startsecs=1'));
  await stock.call('supervisor.startProcess', 'victim', true);
  const result = { seen: [], replaced: [] };
  await repeat(
    STOCK_KILLS,
    async () => {
      const { pid: old } = await stock.info('victim');
      // At no fixed point of its one-second rhythm.
      await delay(OLD_ENOUGH_MS + Math.random() * 1000);
      const began = performance.now();
      process.kill(old, 'SIGKILL');
      const look = async () => {
        await delay(1);
        return childrenOf(stock.child.pid);
      };
      await until(look, (pids) => !pids.includes(old));
      result.seen.push(performance.now() - began);
      await until(look, (pids) => pids.some((pid) => pid !== old));
      result.replaced.push(performance.now() - began);
    },
    0,
  );
  return result;
}

function childrenOf(pid) {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter(Boolean)
    .map(Number);
}
