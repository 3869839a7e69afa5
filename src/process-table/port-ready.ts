import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface WaitOptions {
  timeoutMs: number;
  signal?: AbortSignal;
}

const LOOPBACK = '127.0.0.1';
const LOOPBACK_6 = '::1';
/** A full backlog leaves a connection hanging. */
const CONNECT_MS = 1000;
const FIRST_POLL_MS = 5;
const LONGEST_POLL_MS = 100;

/**
 * One attempt to connect (and hang up at once). At the loopback address both families are tried, since
 * many servers listen on one of them only. False, too, when aborted.
 */
export async function acceptsConnections(
  port: number,
  host = LOOPBACK,
  signal?: AbortSignal,
): Promise<boolean> {
  for (const address of host === LOOPBACK ? [LOOPBACK, LOOPBACK_6] : [host]) {
    if (signal?.aborted) return false;
    if (await canConnect(port, address, signal)) return true;
  }
  return false;
}

/** True once the port accepts a connection, false when the time is over or on abort. */
export async function waitForPort(port: number, { timeoutMs, signal }: WaitOptions): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  for (let pollMs = FIRST_POLL_MS; !signal?.aborted; pollMs = Math.min(pollMs * 1.5, LONGEST_POLL_MS)) {
    if (await acceptsConnections(port, LOOPBACK, signal)) return true;
    const left = deadline - performance.now();
    if (left <= 0) return false;
    await sleep(Math.min(pollMs, left), undefined, { signal }).catch(() => undefined);
  }
  return false;
}

function canConnect(port: number, host: string, signal?: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host });
    const settle = (isAccepted: boolean): void => {
      signal?.removeEventListener('abort', abort);
      socket.destroy();
      resolve(isAccepted);
    };
    const abort = (): void => settle(false);
    signal?.addEventListener('abort', abort, { once: true });
    socket.setTimeout(CONNECT_MS, abort);
    socket.once('error', abort);
    // The kernel may pick the very port as the near end, and a socket can connect to itself.
    socket.once('connect', () => settle(socket.localPort !== port));
  });
}
