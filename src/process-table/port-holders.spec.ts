import { once } from 'node:events';
import { cleanUp, freePort, linesOf, listen, startChild } from '../../test/fixtures/diag-children';
import { byPort, socketsIn } from './listening-sockets';
import { holderOfPort, holdersOfPort, treeListensOn } from './port-holders';

const SERVER =
  'require("net").createServer().listen(0, process.argv[1], function () { console.log(this.address().port) })';

describe('the holder of a port', () => {
  afterEach(cleanUp);

  it.each(['127.0.0.1', '0.0.0.0', '::1', '::'])(
    'is told with pid, command, address and mark when it listens on %s',
    async (host) => {
      const child = startChild(process.execPath, ['-e', SERVER, host], {
        env: { HOODY_DAEMON_MARK: 'state:1:hoody_web' },
      });
      const port = Number(await linesOf(child)());
      expect(await holderOfPort(port)).toEqual({
        port,
        address: host,
        uid: process.getuid!(),
        pid: child.pid,
        command: expect.stringContaining('node -e require("net")'),
        mark: 'state:1:hoody_web',
      });
    },
  );

  it('is null for a free port, also right after it was released', async () => {
    const { server, port } = await listen();
    expect(await holderOfPort(port)).toMatchObject({ pid: process.pid });
    server.close();
    await once(server, 'close');
    expect(await holderOfPort(port)).toBeNull();
  });

  it('may be several, on different addresses', async () => {
    const { port } = await listen('127.0.0.1');
    await listen('127.0.0.2', port);
    expect((await holdersOfPort(port)).map(({ address }) => address).sort()).toEqual([
      '127.0.0.1',
      '127.0.0.2',
    ]);
  });

  it('has its command cut and freed of control characters', async () => {
    const child = startChild(process.execPath, ['-e', SERVER, '127.0.0.1', '\u001b[31mred', 'x'.repeat(500)]);
    const { command } = (await holderOfPort(Number(await linesOf(child)())))!;
    expect(command).toHaveLength(200);
    expect(command).not.toContain('\u001b');
    expect(command).toContain(' [31mred xxx');
  });

  it('can be a grandchild of the program that is asked about', async () => {
    const script = `'${process.execPath}' -e '${SERVER}' 127.0.0.1; true`;
    const child = startChild('/bin/sh', ['-c', script]);
    const other = startChild('/bin/sleep', ['300']);
    const port = Number(await linesOf(child)());
    expect(await treeListensOn(child.pid, port)).toBe(true);
    expect(await treeListensOn(other.pid, port)).toBe(false);
    expect(await treeListensOn(child.pid, await freePort())).toBe(false);
  });
});

describe('socketsIn', () => {
  const line = (local: string, state = '0A', remote = '00000000:0000'): string =>
    `   0: ${local} ${remote} ${state} 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0 100 0`;

  it.each([
    ['0100007F:0BB8', '127.0.0.1', 3000],
    ['00000000:0050', '0.0.0.0', 80],
    ['00000000000000000000000000000000:01BB', '::', 443],
    ['00000000000000000000000001000000:FFFF', '::1', 65535],
    ['0000000000000000FFFF00000100007F:0BB8', '127.0.0.1', 3000],
    ['B80D0120000000000000000001000000:0BB8', '2001:db8::1', 3000],
  ])('reads %s as %s port %i', (local, address, port) => {
    expect(socketsIn(byPort([line(local)]), port)).toEqual([{ port, address, uid: 1000, inode: '4711' }]);
  });

  it('passes over other ports, and over connections from or to the port', () => {
    const lines = [
      line('0100007F:0BB9'),
      line('0100007F:0BB8', '01', '0100007F:9999'),
      line('0100007F:9999', '01', '0100007F:0BB8'),
    ];
    expect(socketsIn(byPort(lines), 3000)).toEqual([]);
    expect(socketsIn(byPort(['', 'garbage']), 3000)).toEqual([]);
  });
});
