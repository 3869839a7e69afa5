import { once } from 'node:events';
import { cleanUp, freePort, listen } from '../../test/fixtures/diag-children';
import { acceptsConnections, waitForPort } from './port-ready';

describe('readiness of a port', () => {
  afterEach(cleanUp);

  it.each(['127.0.0.1', '0.0.0.0', '::1', '::'])('is seen when a server listens on %s', async (host) => {
    const { port } = await listen(host);
    expect(await acceptsConnections(port)).toBe(true);
  });

  it('is refused by a free port', async () => {
    expect(await acceptsConnections(await freePort())).toBe(false);
  });

  it('is waited for', async () => {
    const port = await freePort();
    const waiting = waitForPort(port, { timeoutMs: 10_000 });
    const { server } = await listen('127.0.0.1', port);
    const [socket] = await once(server, 'connection');
    socket.resume();
    expect(await waiting).toBe(true);
  });

  it('is given up when the time is over', async () => {
    expect(await waitForPort(await freePort(), { timeoutMs: 30 })).toBe(false);
  });

  it('is given up on abort', async () => {
    const stop = new AbortController();
    const waiting = waitForPort(await freePort(), { timeoutMs: 60_000, signal: stop.signal });
    stop.abort();
    expect(await waiting).toBe(false);
    expect(await acceptsConnections((await listen()).port, '127.0.0.1', stop.signal)).toBe(false);
  });
});
