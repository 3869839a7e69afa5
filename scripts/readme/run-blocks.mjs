import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';

/**
 * Runs the blocks in one bash, so that a variable of one is there in the next. It ends at the first command
 * that fails; blocks after it have `ran: false`.
 */
export async function runBlocks(blocks, adapt) {
  const mark = `end of block ${randomUUID()}`;
  const script = [
    'set -euo pipefail',
    `trap 'echo "failed: $BASH_COMMAND" >&2' ERR`,
    ...blocks.map(({ code }) => `${adapt(code)}\necho '${mark}'; echo '${mark}' >&2`),
  ].join('\n');

  const bash = spawn('bash', ['-c', script], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr, [exitStatus, signal]] = await Promise.all([
    text(bash.stdout),
    text(bash.stderr),
    once(bash, 'exit'),
  ]);
  const [outputs, complaints] = [stdout.split(`${mark}\n`), stderr.split(`${mark}\n`)];
  return blocks.map((block, index) => ({
    block,
    stdout: outputs[index] ?? '',
    stderr: complaints[index] ?? '',
    ran: index < outputs.length,
    exitStatus: index < outputs.length - 1 ? 0 : (exitStatus ?? signal),
  }));
}

async function text(stream) {
  const chunks = await stream.toArray();
  return Buffer.concat(chunks).toString();
}
