import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { root } from './command.mjs';

/**
 * Resolves when this process is the only one that sets up this checkout. The hold is a socket in Linux's
 * abstract namespace: the kernel frees it when the process ends, however it ends, so none is ever stale.
 */
export async function holdCheckout() {
  const checkout = createHash('sha256').update(realpathSync(root)).digest('hex').slice(0, 16);
  const address = `\0hoody-daemon-setup-${checkout}`;
  for (let waits = 0; !(await isHeldByUs(address)); waits++) {
    if (waits === 0) console.log('Waiting for another set-up of this checkout.');
    await ended(address);
  }
}

function isHeldByUs(address) {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', (error) => (error.code === 'EADDRINUSE' ? resolve(false) : reject(error)));
    server.listen(address, () => resolve(true));
  });
}

/** A connection to the holder lives as long as the holder does. */
function ended(address) {
  return new Promise((resolve) => {
    connect(address)
      .on('error', () => {})
      .on('close', resolve)
      .resume();
  });
}
