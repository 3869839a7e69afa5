import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const MAIN = join(dirname(fileURLToPath(import.meta.url)), '..', 'dist', 'main.js');
const BASE = '/api/v1/daemon/';
const LISTENS_WITHIN_MS = 60_000;
const KERNEL_TICK_MS = 10;

export const FLEET_SIZE = Number(process.env.BENCH_FLEET ?? 1000);
export const FLEET_PORTS = { start: 28000, end: 28000 + FLEET_SIZE - 1 };
export const USER = process.geteuid() === 0 ? 'root' : (process.env.USER ?? 'nobody');
export const LOOP = 'exec sleep 100000';

/** Of stock supervisord, which takes most of the time: `BENCH_REFERENCE=no` leaves it out. */
export async function reference(measure) {
  return process.env.BENCH_REFERENCE === 'no' ? {} : await measure();
}

const cleanUps = [];

/** Runs when the benchmark is over, the latest first, also after a failure. */
export function atEnd(cleanUp) {
  cleanUps.push(cleanUp);
}

export async function cleanUp() {
  while (cleanUps.length > 0) await cleanUps.pop()();
}

export function temporaryFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'hoody-bench-'));
  // Programs of other users must reach their launchers.
  chmodSync(folder, 0o711);
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The built service with a real supervisord, in a state directory of its own. */
export class Service {
  stateDir = temporaryFolder();
  agent = new Agent({ keepAlive: true, maxSockets: 64 });
  child = null;
  port = 0;

  static async start(env = {}) {
    const service = new Service();
    atEnd(() => service.dispose());
    await service.start(env);
    return service;
  }

  get pid() {
    return this.child.pid;
  }

  get supervisorPid() {
    const file = join(this.stateDir, 'supervisor', 'identity.json');
    return Number.parseInt(JSON.parse(readFileSync(file, 'utf8')).process, 10);
  }

  /** @returns milliseconds from the spawn to the first answer of GET /health */
  async start(env = {}) {
    if (!existsSync(MAIN)) throw new Error('dist/main.js is missing: run "npm run build" first.');
    const began = performance.now();
    const flags = (process.env.BENCH_NODE_FLAGS ?? '').split(' ').filter(Boolean);
    this.child = spawn(process.execPath, [...flags, MAIN], {
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        DAEMON_STATE_DIR: this.stateDir,
        DAEMON_PORT: '0',
        DAEMON_LOG_LEVEL: 'error',
        ...env,
      },
      stdio: ['ignore', 'inherit', 'pipe'],
    });
    let output = '';
    this.port = await new Promise((resolve, reject) => {
      this.child.stderr.setEncoding('utf8').on('data', (text) => {
        output += text;
        const port = /API\s+http:\/\/\S+?:(\d+)\//.exec(output)?.[1];
        if (port) resolve(Number(port));
      });
      this.child.once('exit', (code) => reject(new Error(`The service ended with ${code}: ${output}`)));
      setTimeout(
        () => reject(new Error(`The service does not listen: ${output}`)),
        LISTENS_WITHIN_MS,
      ).unref();
    });
    const health = await this.get('health');
    if (health.status !== 'healthy') throw new Error(JSON.stringify(health));
    return performance.now() - began;
  }

  /** The service only; supervisord and the programs run on. */
  async end(signal = 'SIGTERM') {
    if (!this.child || this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, 'exit');
    this.child.kill(signal);
    await exited;
  }

  async dispose() {
    await this.end();
    this.agent.destroy();
    await endProcess(this.supervisorPid);
  }

  /** @returns the body, parsed. @throws Error when the answer is no success */
  async send(method, path, body) {
    const { status, text } = await this.raw(method, path, body);
    if (status >= 300) throw new Error(`${method} ${path} answered ${status}: ${text}`);
    return JSON.parse(text);
  }

  get(path) {
    return this.send('GET', path);
  }

  post(path, body) {
    return this.send('POST', path, body);
  }

  raw(method, path, body) {
    const content = body === undefined ? undefined : JSON.stringify(body);
    const headers = content && {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(content),
    };
    return new Promise((resolve, reject) => {
      const outgoing = request(
        { host: '127.0.0.1', port: this.port, path: BASE + path, method, agent: this.agent, headers },
        (incoming) => {
          const chunks = [];
          incoming.on('data', (chunk) => chunks.push(chunk));
          incoming.on('end', () =>
            resolve({ status: incoming.statusCode, text: Buffer.concat(chunks).toString('utf8') }),
          );
          incoming.on('error', reject);
        },
      );
      outgoing.on('error', reject);
      outgoing.end(content);
    });
  }

  /** Opens a stream of server-sent events. @returns closes it */
  async stream(path, onEvent, query = '') {
    const incoming = await new Promise((resolve, reject) => {
      const outgoing = request({ host: '127.0.0.1', port: this.port, path: BASE + path + query }, resolve);
      outgoing.on('error', reject);
      outgoing.end();
    });
    let rest = '';
    incoming.setEncoding('utf8').on('data', (text) => {
      const blocks = (rest + text).split('\n\n');
      rest = blocks.pop();
      for (const block of blocks) {
        const event = /^event: (.*)$/m.exec(block)?.[1];
        const data = /^data: (.*)$/m.exec(block)?.[1];
        if (event && data) onEvent(event, JSON.parse(data), performance.now());
      }
    });
    incoming.on('error', () => undefined);
    return () => incoming.destroy();
  }

  async add(fields) {
    const { program } = await this.post('programs/add', {
      command: LOOP,
      user: USER,
      start_seconds: 0,
      ...fields,
    });
    return program.id;
  }

  addFleet(fields = {}) {
    return this.add({ name: 'fleet', port_range: FLEET_PORTS, ...fields });
  }

  async runFleet(fields) {
    const id = await this.addFleet(fields);
    await this.post(`programs/${id}/start`, { all: true });
    return id;
  }
}

export async function endProcess(pid) {
  if (!isAlive(pid)) return;
  process.kill(pid, 'SIGTERM');
  for (let i = 0; i < 1000 && isAlive(pid); i++) await delay(20);
  if (isAlive(pid)) process.kill(pid, 'SIGKILL');
}

export function isAlive(pid) {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** User and system time of a process, in milliseconds. */
export function cpuMs(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) * KERNEL_TICK_MS;
}

export function rssMiB(pid) {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;
}

/** Asks again and again, at once, until the answer is as wanted. @returns it */
export async function until(ask, isAsWanted, withinMs = 30_000) {
  for (const end = Date.now() + withinMs; ;) {
    const answer = await ask();
    if (isAsWanted(answer)) return answer;
    if (Date.now() > end) throw new Error(`It did not come out as wanted: ${JSON.stringify(answer)}`);
  }
}

export async function timed(work) {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

/** Milliseconds of each of `count` runs, one after the other; the first `warmUp` do not count. */
export async function repeat(count, work, warmUp = 3) {
  const samples = [];
  for (let i = 0; i < count + warmUp; i++) {
    const ms = (await work(i)) ?? 0;
    if (i >= warmUp) samples.push(ms);
  }
  return samples;
}

export function median(samples) {
  return quantile(samples, 0.5);
}

export function quantile(samples, q) {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))];
}

/**
 * Prints one line. @param samples a list, or one number
 * @param options.unit default ms; options.reference a list or number, and options.against what it is of
 */
export function figure(name, samples, { unit = 'ms', target = '', reference: compared, against = '' } = {}) {
  const list = [samples].flat();
  const values =
    list.length === 1
      ? `${short(list[0])} ${unit}`
      : `median ${short(median(list))} ${unit}, p99 ${short(quantile(list, 0.99))} ${unit} (${list.length})`;
  const parts = [`${name.padEnd(58)} ${values}`];
  if (compared !== undefined) {
    const base = median([compared].flat());
    parts.push(`ratio ${(median(list) / base).toPrecision(3)} to ${against} ${short(base)} ${unit}`);
  }
  if (target) parts.push(`target ${target}`);
  process.stdout.write(`${parts.join('; ')}\n`);
}

function short(value) {
  if (Math.abs(value) >= 100) return value.toFixed(0);
  return value.toFixed(Math.abs(value) >= 10 ? 1 : 2);
}
