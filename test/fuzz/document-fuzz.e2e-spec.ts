import { Agent } from 'node:http';
import { rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { operations } from '../support/operations';
import { type RawAnswer, send } from '../support/raw-http';
import { isAlive, Service, temporaryFolder } from '../support/service';
import { expectValidResponse } from '../support/validate-response';
import { RandomRequests, randomFrom, type Target } from './random-requests';

const REQUESTS = Number(process.env.FUZZ_REQUESTS ?? 20_000);
const SEED = Number(process.env.FUZZ_SEED ?? 20_261_122);
const AT_A_TIME = 48;
const WITHIN_MS = 170_000;
const API = '/api/v1/daemon';

/** How often each is asked, beside 4 for a look. A reset makes an end of all the others' work. */
const WEIGHTS: Record<string, number> = {
  startProgram: 1.5,
  stopProgram: 3,
  restartProgram: 3,
  launchEphemeral: 0.6,
  stopEphemeral: 3,
  editProgram: 1.4,
  resetPrograms: 0.06,
  restorePrograms: 0.3,
  testWebhooks: 1,
};

it(
  `answers ${REQUESTS} requests made from its own document as documented, and is healthy afterwards`,
  async () => {
    // Of the shipped ones some might be installed here.
    const defaults = join(temporaryFolder(), 'defaults.json');
    writeFileSync(defaults, JSON.stringify([{ name: 'Shipped', command: 'exec sleep 30', user: 'root' }]));
    const service = await Service.start({
      env: {
        DAEMON_DEFAULTS_FILE: defaults,
        DAEMON_WEBHOOK_ALLOW_PRIVATE: 'true',
        DAEMON_EPHEMERAL_RETENTION: '1',
        DAEMON_LOG_LEVEL: 'error',
      },
    });
    try {
      const supervisor = service.supervisorPid;
      const { counts, failures } = await fuzz(service);
      expect(failures).toEqual([]);
      // Not everything was refused, and every operation did its work at least once.
      const succeeded = new Set(
        [...counts.keys()].filter((key) => / 20[01]$/.test(key)).map((key) => key.split(' ')[0]),
      );
      expect([...succeeded].sort()).toEqual(operations.map(({ name }) => name).sort());

      expect(service.output).not.toMatch(/"level":"(error|fatal)"/);
      expect(isAlive(service.pid) && isAlive(supervisor)).toBe(true);
      expect(service.supervisorPid).toBe(supervisor);
      expect((await service.get('health')).body.status).toBe('healthy');
      // It still does what it is for.
      await service.post('programs/reset');
      const id = await service.add({ name: 'after the storm' });
      expect((await service.post(`programs/${id}/start`)).body).toMatchObject({ status: 'RUNNING' });
    } finally {
      if (process.env.FUZZ_LOG) writeFileSync(join(process.env.FUZZ_LOG, 'service.log'), service.output);
      await service.dispose();
      rmSync(dirname(defaults), { recursive: true });
    }
  },
  WITHIN_MS,
);

async function fuzz(service: Service): Promise<{ counts: Map<string, number>; failures: string[] }> {
  const target: Target = {
    ids: [...Array.from({ length: 12 }, (_, i) => `fuzzed-${i}`), 'shipped', 'nothing'],
    temporaryIds: [],
    backups: [],
    ports: { from: 24_500, to: 24_540 },
    webhook: 'http://127.0.0.1:24999/',
  };
  const requests = new RandomRequests(randomFrom(SEED), target);
  const weighted = operations.flatMap((each) =>
    Array<typeof each>(Math.round((WEIGHTS[each.name] ?? 4) * 50)).fill(each),
  );
  const agent = new Agent({ keepAlive: true, maxSockets: AT_A_TIME });
  const counts = new Map<string, number>();
  const failures: string[] = [];
  let sent = 0;

  const worker = async () => {
    while (sent < REQUESTS && failures.length < 5) {
      const number = ++sent;
      const { operation, path, headers, body } = requests.next(weighted);
      const { method, name } = operation;
      try {
        const answer = await send(service.address, { method, path, headers, body, agent });
        const key = `${name} ${answer.status}`;
        counts.set(key, (counts.get(key) ?? 0) + 1);
        check(method, path, answer);
        learn(name, answer, target);
      } catch (error) {
        const what = `${number} (seed ${SEED}): ${method} ${path.slice(0, 300)} ${String(body).slice(0, 600)}`;
        failures.push(`${what}\n${String(error).slice(0, 1000)}`);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, worker));
  agent.destroy();
  if (process.env.FUZZ_LOG)
    writeFileSync(join(process.env.FUZZ_LOG, 'counts.json'), JSON.stringify([...counts].sort(), null, 1));
  return { counts, failures };
}

/** As documented, in the envelope if it is an error, and never the service's own fault. */
function check(method: string, path: string, { status, body, text, headers }: RawAnswer): void {
  if (
    status >= 400 &&
    (body?.success !== false || typeof body.error !== 'string' || typeof body.code !== 'string')
  )
    throw new Error(`${status} without the envelope: ${text.slice(0, 300)}`);
  if (status >= 500 && status !== 504) throw new Error(`${status} ${text.slice(0, 500)}`);
  const isJson = headers['content-type']?.includes('json') === true;
  if (path.startsWith(API)) expectValidResponse(method, path, status, isJson ? body : text);
}

/** What exists now can be asked for next. */
function learn(name: string, { body, status }: RawAnswer, target: Target): void {
  if (status >= 400) return;
  if (name === 'launchEphemeral') target.temporaryIds = [...target.temporaryIds, body.temporary_id].slice(-8);
  if (name === 'listBackups') target.backups = body.slice(0, 3).map((entry: any) => entry.backup);
}
