// Runs the README against the built service, started for it on a free port with a state folder of its own.
// In the README, `<!-- ci -->` before a ```bash block means: run this here. All such blocks run in one shell,
// in order. A ```json block after one is what it prints: names and types are compared, values are not.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { differences, parseDocuments } from './readme/compare.mjs';
import { markedBlocks } from './readme/marked-blocks.mjs';
import { runBlocks } from './readme/run-blocks.mjs';

const START_MS = 30_000;
const STOP_MS = 30_000;

const blocks = markedBlocks(readFileSync('README.md', 'utf8'));
if (blocks.length === 0) throw new Error('README.md has no ```bash block after a <!-- ci --> line.');

// Other users must get through it to their launchers.
const folder = mkdtempSync(join(tmpdir(), 'hoody-readme-'));
chmodSync(folder, 0o711);
const port = await freePort();
const service = startService();
try {
  await untilHealthy();
  const outcomes = await runBlocks(blocks, (code) =>
    code.replace(/\b(127\.0\.0\.1|localhost):9010\b/g, `$1:${port}`),
  );
  const problems = outcomes.flatMap(problemsOf);
  if (problems.length > 0) {
    console.error(problems.join('\n\n'));
    process.exitCode = 1;
  } else {
    console.log(`README.md: ${blocks.length} blocks of commands work.`);
  }
} finally {
  await stopService();
  rmSync(folder, { recursive: true, force: true });
}

function startService() {
  const foreign = Object.entries(process.env).filter(([name]) => !name.startsWith('DAEMON_'));
  const env = {
    ...Object.fromEntries(foreign),
    DAEMON_PORT: String(port),
    DAEMON_STATE_DIR: join(folder, 'state'),
    DAEMON_ON_STOP: 'shutdown',
    ...(process.env.DAEMON_SUPERVISORD && { DAEMON_SUPERVISORD: process.env.DAEMON_SUPERVISORD }),
  };
  const child = spawn(process.execPath, ['dist/main.js'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  child.log = '';
  child.stdout.on('data', (chunk) => (child.log += chunk));
  child.stderr.on('data', (chunk) => (child.log += chunk));
  return child;
}

async function untilHealthy() {
  const deadline = Date.now() + START_MS;
  while (Date.now() < deadline && service.exitCode === null) {
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/daemon/health`).catch(() => null);
    if (answer?.ok) return;
    await delay(100);
  }
  throw new Error(`The service did not become healthy:\n${service.log}`);
}

/** DAEMON_ON_STOP=shutdown: supervisord and the programs end with the service. */
async function stopService() {
  if (service.exitCode !== null || service.signalCode !== null) return;
  const exited = once(service, 'exit');
  service.kill('SIGTERM');
  const stopped = await Promise.race([exited, delay(STOP_MS, null, { ref: false })]);
  if (stopped) return;
  service.kill('SIGKILL');
  console.error(`The service did not stop within ${STOP_MS / 1000} s of SIGTERM:\n${service.log}`);
  process.exitCode = 1;
}

function problemsOf({ block, stdout, stderr, ran, exitStatus }) {
  const where = `README.md line ${block.line}`;
  if (!ran) return [];
  if (exitStatus !== 0) {
    return [`${where}: a command failed with exit status ${exitStatus}.\n${stderr}\n${stdout}`.trim()];
  }
  if (block.expected === null) return [];
  try {
    return differences(parseDocuments(block.expected), parseDocuments(stdout)).map(
      (found) => `${where}: ${found}\n${stdout}`,
    );
  } catch (error) {
    return [`${where}: ${error.message}\n${stdout}`];
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port: free } = server.address();
  server.close();
  await once(server, 'close');
  return free;
}
