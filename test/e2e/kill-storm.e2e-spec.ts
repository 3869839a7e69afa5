import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { processesOf, until } from '../support/processes';
import { Service, temporaryFolder, type Answer } from '../support/service';

const KILLS = 100;
const IN_FLIGHT = 4;
/** From the first request after a start to the kill. */
const LONGEST_LIFE_MS = 150;

/** What the answers so far promise about one program. */
interface Promised {
  /** null: removed. */
  command: string | null;
  /** null: not known, a start or stop was not answered. */
  runs: boolean | null;
  pid: number | null;
  /** What an unanswered request may have made of it. */
  maybe: { command: string | null }[];
}

interface Listed {
  id: string;
  status: string;
  pid: number | null;
  command: string;
}

describe('a service that is killed again and again', () => {
  const seed = Number(process.env.KILL_STORM_SEED ?? Date.now() % 1_000_000);
  const random = randomFrom(seed);
  const folder = temporaryFolder();
  const defaults = join(folder, 'defaults.json');
  writeFileSync(defaults, '[]');
  const service = new Service({ env: { DAEMON_DEFAULTS_FILE: defaults, DAEMON_LOG_LEVEL: 'error' } });
  let programs = new Map<string, Promised>();
  const ephemerals = new Map<string, number>();
  const busy = new Set<string>();
  let names = 0;
  let acknowledged = 0;
  let isDying = false;
  let isReset = false;
  /** By a reset that was acknowledged. */
  const taken = new Set<string>();

  beforeAll(() => process.stdout.write(`KILL_STORM_SEED=${seed}\n`));
  afterAll(() => service.dispose());

  it(`loses and doubles nothing in ${KILLS} deaths at random moments`, async () => {
    await service.start();
    for (let death = 1; death <= KILLS; death++) {
      isDying = false;
      isReset = false;
      const work = Array.from({ length: IN_FLIGHT }, () => keepBusy());
      if (random() < 0.1) work.push(reset());
      await delay(random() * LONGEST_LIFE_MS);
      isDying = true;
      await service.end('SIGKILL');
      await Promise.all(work);
      await service.start();
      try {
        await check();
      } catch (error) {
        throw new Error(`After death ${death} of seed ${seed}`, { cause: error });
      }
    }
    process.stdout.write(`${acknowledged} changes acknowledged over ${KILLS} deaths\n`);
    expect(acknowledged).toBeGreaterThan(KILLS);
  }, 600_000);

  async function keepBusy(): Promise<void> {
    while (!isDying) await pick([add, edit, start, start, stop, restartWith, remove, quickStart])();
  }

  async function add(): Promise<void> {
    if (programs.size >= 8) return await start();
    const id = `storm-${++names}`;
    const command = aCommand();
    const promised: Promised = { command: null, runs: false, pid: null, maybe: [] };
    programs.set(id, promised);
    const fields = { name: id, command, user: 'root', start_seconds: 0, boot: 'never' };
    await change(id, { command }, () => service.post('programs/add', fields));
  }

  const edit = () =>
    onOne(async (id, promised) => {
      const command = aCommand();
      if (promised.runs !== false) return;
      await change(id, { command }, () => service.post(`programs/edit/${id}`, { command }));
    });

  const restartWith = () =>
    onOne(async (id, promised) => {
      const { runs } = promised;
      if (runs === null) return;
      const command = aCommand();
      promised.pid = null;
      await change(id, { command }, () => service.post(`programs/edit/${id}`, { command, restart: true }));
    });

  const remove = () =>
    onOne(async (id) => {
      if (random() < 0.5) await change(id, { command: null }, () => service.post(`programs/remove/${id}`));
    });

  const start = () =>
    onOne(async (id, promised) => {
      if (promised.runs) return;
      promised.runs = null;
      const answer = await answerTo(() => service.post(`programs/${id}/start`));
      if (answer) Object.assign(promised, { runs: true, pid: answer.pid });
    });

  const stop = () =>
    onOne(async (id, promised) => {
      Object.assign(promised, { runs: null, pid: null });
      if (await answerTo(() => service.post(`programs/${id}/stop`))) promised.runs = false;
    });

  async function quickStart(): Promise<void> {
    if (ephemerals.size >= 4) {
      const id = pick([...ephemerals.keys()]);
      ephemerals.delete(id);
      await answerTo(() => service.post(`quick-start/${id}/stop`));
      return;
    }
    const answer = await answerTo(() =>
      service.post('quick-start', { command: 'exec sleep 7777', user: 'root' }),
    );
    if (answer) ephemerals.set(answer.temporary_id, answer.pid);
  }

  /** It may come before or after anything that is under way, so it may have taken each program. */
  async function reset(): Promise<void> {
    await delay(random() * LONGEST_LIFE_MS);
    isReset = true;
    const there = [...programs].filter(([, { command }]) => command !== null).map(([id]) => id);
    if (await answerTo(() => service.post('programs/reset'))) there.forEach((id) => taken.add(id));
  }

  async function onOne(run: (id: string, promised: Promised) => Promise<void>): Promise<void> {
    const free = [...programs].filter(([id]) => !busy.has(id));
    if (free.length === 0) return await delay(1);
    const [id, promised] = pick(free);
    busy.add(id);
    try {
      await run(id, promised);
    } finally {
      busy.delete(id);
    }
    await delay(0);
  }

  async function change(id: string, to: { command: string | null }, send: () => Promise<Answer>) {
    const promised = programs.get(id)!;
    busy.add(id);
    try {
      promised.maybe.push(to);
      if (to.command === null) Object.assign(promised, { runs: null, pid: null });
      if (!(await answerTo(send))) return;
      promised.command = to.command;
      promised.maybe = promised.maybe.filter((one) => one !== to);
      if (to.command === null) promised.runs = false;
    } finally {
      busy.delete(id);
    }
  }

  /** null: it was not acknowledged, since the service died or a reset came first. */
  async function answerTo(send: () => Promise<Answer>): Promise<Answer['body']> {
    try {
      const { status, body } = await send();
      if (status >= 500) throw new Error(`${status} ${JSON.stringify(body)}`);
      if (status >= 400) return null;
      acknowledged++;
      return body;
    } catch (error) {
      if (!isDying) throw error;
      return null;
    }
  }

  async function check(): Promise<void> {
    const listed = new Map<string, Listed>(
      (await service.get('programs?include_status=true')).body.map((program: Listed) => [
        program.id,
        program,
      ]),
    );
    expect([...taken].filter((id) => listed.has(id))).toEqual([]);
    for (const [id, promised] of programs) {
      if (isReset) Object.assign(promised, { runs: null, maybe: [...promised.maybe, { command: null }] });
      const command = listed.get(id)?.command ?? null;
      expect([promised.command, ...promised.maybe.map((one) => one.command)]).toContain(command);
      promised.command = command;
      promised.maybe = [];
    }
    expect([...listed.keys()].filter((id) => !programs.has(id))).toEqual([]);
    programs = new Map([...programs].filter(([id]) => listed.has(id)));
    const quick = (await service.get('quick-start')).body;
    for (const { temporary_id, status, pid } of quick) {
      expect(status).toBe('RUNNING');
      if (ephemerals.has(temporary_id)) expect(pid).toBe(ephemerals.get(temporary_id));
    }
    const quickIds = quick.map((one: { temporary_id: string }) => one.temporary_id);
    expect([...ephemerals.keys()].filter((id) => !quickIds.includes(id))).toEqual([]);
    for (const { temporary_id, pid } of quick) ephemerals.set(temporary_id, pid);

    const ids = [...listed.keys(), ...quickIds].sort();
    const files = (where: string) => readdirSync(join(service.stateDir, where)).sort();
    expect(files('launch')).toEqual(ids.map((id) => `${id}.sh`));
    expect(files('supervisor/conf.d')).toEqual(ids.map((id) => `hoody-${id}.conf`));
    expect(await groups()).toEqual(ids.map((id) => `hoody_${id}`));

    const stored = JSON.parse(readFileSync(join(service.stateDir, 'programs.json'), 'utf8'));
    const checks = [...programs].map(([id, promised]) => {
      const { wanted, previous } = stored.find((one: Listed) => one.id === id);
      expect(previous ?? null).toBeNull();
      return checkRun(id, promised, wanted.length > 0);
    });
    await Promise.all(checks);
  }

  async function checkRun(id: string, promised: Promised, isWanted: boolean): Promise<void> {
    if (promised.runs !== null) expect([id, isWanted]).toEqual([id, promised.runs]);
    const isUp = ({ status }: Listed) => status === (isWanted ? 'RUNNING' : 'STOPPED');
    const { pid } = await service.until(`status/${id}`, isUp);
    if (promised.runs && promised.pid !== null) expect([id, pid]).toEqual([id, promised.pid]);
    await until(`${id} runs ${isWanted ? 'once' : 'not at all'}`, async () => {
      const pids = await processesOf(service, id);
      const commands = pids.map(commandLine);
      const expected = isWanted ? [promised.command!.replace('exec ', '')] : [];
      return String(commands) === String(expected) && (!isWanted || pids[0] === pid);
    });
    Object.assign(promised, { runs: isWanted, pid });
  }

  /** The names that supervisord itself tells. */
  function groups(): Promise<string[]> {
    const request =
      '<?xml version="1.0"?><methodCall><methodName>supervisor.getAllProcessInfo</methodName></methodCall>';
    return new Promise((resolve, reject) => {
      const socket = createConnection(join(service.stateDir, 'supervisor', 'supervisor.sock'));
      let answer = '';
      socket.setEncoding('utf8').on('data', (text: string) => (answer += text));
      socket.on('error', reject);
      socket.on('end', () =>
        resolve(
          [...answer.matchAll(/<name>group<\/name>\s*<value><string>([^<]+)/g)]
            .map(([, name]) => name!)
            .sort(),
        ),
      );
      socket.write(
        `POST /RPC2 HTTP/1.0\r\ncontent-type: text/xml\r\ncontent-length: ${request.length}\r\n\r\n${request}`,
      );
    });
  }

  function aCommand(): string {
    return `exec sleep ${1000 + Math.floor(random() * 9000)}`;
  }

  function pick<T>(from: readonly T[]): T {
    return from[Math.floor(random() * from.length)]!;
  }
});

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').filter(Boolean).join(' ');
  } catch {
    return 'gone';
  }
}

/** mulberry32 */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
