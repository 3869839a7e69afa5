// Latency of the streams over HTTP, and the cost of many followers. After a build:
//   node bench/streams/latency.mjs
// A write is measured from just before it is made to the arrival of its event; a transition from the kill of a
// process to the arrival of its event. Both clients are on this machine.
import { spawn } from 'node:child_process';
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const PORT = Number(process.env.BENCH_PORT ?? 23990);
const API = `http://127.0.0.1:${PORT}/api/v1/daemon`;
const ROUNDS = 100;
const FOLLOWERS = 100;

const folder = mkdtempSync(join(tmpdir(), 'bench-streams-'));
const stateDir = join(folder, 'state');
const service = spawn(process.execPath, ['dist/main.js'], {
  env: {
    ...process.env,
    DAEMON_STATE_DIR: stateDir,
    DAEMON_PORT: String(PORT),
    DAEMON_LOG_LEVEL: 'error',
    DAEMON_ON_STOP: 'shutdown',
  },
  stdio: ['ignore', 'inherit', 'inherit'],
});
try {
  await listening();
  await writes();
  await kills();
  await followers();
} finally {
  const ended = new Promise((resolve) => service.once('exit', resolve));
  service.kill('SIGTERM');
  await ended;
  rmSync(folder, { recursive: true, force: true });
}

async function writes() {
  const { id, say } = await echoing('writes');
  const stream = await open(`programs/${id}/logs/stream?lines=1`);
  const times = [];
  for (let i = 0; i < ROUNDS; i++) {
    const arrived = stream.next(`"line":"line ${i}"`);
    const began = performance.now();
    say(`line ${i}\n`);
    times.push((await arrived) - began);
    await delay(20);
  }
  stream.close();
  report('write -> event (through tail -f and supervisord)', times);
}

async function kills() {
  const { id } = await add({ name: 'kills', command: 'sleep 1000', autorestart: 'true' });
  let { pid } = await post(`programs/${id}/start`);
  const stream = await open(`events?program=${id}`);
  const times = [];
  for (let i = 0; i < ROUNDS; i++) {
    const arrived = stream.next('"from":"RUNNING"');
    const runsAgain = stream.next('"to":"RUNNING"');
    const began = performance.now();
    process.kill(pid, 'SIGKILL');
    times.push((await arrived) - began);
    await runsAgain;
    ({ pid } = await (await fetch(`${API}/status/${id}`)).json());
  }
  stream.close();
  report('kill -> event', times);
}

async function followers() {
  const { id, say } = await echoing('followers');
  const lines = 20_000;
  for (const count of [1, FOLLOWERS]) {
    const before = usage();
    const streams = await Promise.all(
      Array.from({ length: count }, () => open(`programs/${id}/logs/stream?lines=1`)),
    );
    const begun = Promise.all(streams.map((stream) => stream.next(`"line":"begin ${count}"`)));
    say(`begin ${count}\n`);
    await begun;
    const descriptors = logDescriptors(id);
    const last = `"line":"end ${count}"`;
    const all = Promise.all(streams.map((stream) => stream.next(last)));
    const began = performance.now();
    say(`${'some words of a line\n'.repeat(lines)}end ${count}\n`);
    await all;
    const after = usage();
    console.log(
      `${count} followers, ${lines} lines each: ${Math.round(performance.now() - began)} ms, cpu ${after.cpuMs - before.cpuMs} ms, ` +
        `memory +${Math.round(after.rssMb - before.rssMb)} MB, open log files ${descriptors}`,
    );
    for (const stream of streams) stream.close();
  }
}

async function echoing(name) {
  const file = join(folder, name);
  writeFileSync(file, '');
  const { id } = await add({ name, command: `exec tail -n +1 -f ${file}` });
  await post(`programs/${id}/start`);
  return { id, say: (text) => appendFileSync(file, text) };
}

async function add(fields) {
  const user = process.getuid() === 0 ? 'root' : process.env.USER;
  return (await post('programs/add', { user, start_seconds: 0, ...fields })).program;
}

async function post(path, body = {}) {
  const response = await fetch(`${API}/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(JSON.stringify(answer));
  return answer;
}

/** `next(text)` resolves with the time at which that text comes. */
function open(path) {
  return new Promise((resolve, reject) => {
    const request = get(`${API}/${path}`, { agent: false }, (response) => {
      let waiting = [];
      let rest = '';
      response.setEncoding('utf8').on('data', (part) => {
        const text = rest + part;
        rest = text.slice(text.lastIndexOf('\n') + 1);
        const now = performance.now();
        waiting = waiting.filter((one) => {
          if (text.includes(one.text)) one.resolve(now);
          return !text.includes(one.text);
        });
      });
      response.once('data', () =>
        resolve({
          next: (text) => new Promise((done) => waiting.push({ text, resolve: done })),
          close: () => request.destroy(),
        }),
      );
    });
    request.on('error', reject);
  });
}

function usage() {
  const fields = readFileSync(`/proc/${service.pid}/stat`, 'utf8').split(') ')[1].split(' ');
  const rss = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${service.pid}/status`, 'utf8'))[1];
  return { cpuMs: (Number(fields[11]) + Number(fields[12])) * 10, rssMb: rss / 1024 };
}

function logDescriptors(id) {
  return readdirSync(`/proc/${service.pid}/fd`).filter((fd) => {
    try {
      return readlinkSync(`/proc/${service.pid}/fd/${fd}`).includes(`${id}.stdout.log`);
    } catch {
      return false;
    }
  }).length;
}

function report(what, times) {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share) => sorted[Math.floor(sorted.length * share)].toFixed(1);
  console.log(`${what}: median ${at(0.5)} ms, p95 ${at(0.95)} ms, max ${sorted.at(-1).toFixed(1)} ms`);
}

async function listening() {
  for (let i = 0; i < 200; i++) {
    if (
      await fetch(`${API}/health/live`).then(
        (answer) => answer.ok,
        () => false,
      )
    )
      return;
    await delay(50);
  }
  throw new Error('The service does not listen.');
}
