import { once } from 'node:events';
import type { Socket } from 'node:net';
import { exchange, open, send } from '../support/raw-http';
import { Service } from '../support/service';

const API = '/api/v1/daemon';
const MAX_STREAMS = 1000;

let service: Service;
beforeAll(async () => void (service = await Service.start()));
afterAll(() => service.dispose());
// Whatever came: the next one is answered.
afterEach(async () => expect((await service.get('health/live')).status).toBe(200));

const head = (request: string, ...headers: string[]) =>
  [request, 'Host: localhost', ...headers, '', ''].join('\r\n');
const statusesOf = (text: string) =>
  [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status));

describe('requests that no client sends', () => {
  it.each<[string, string | Buffer, number, string]>([
    ['garbage', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n', 400, 'VALIDATION_ERROR'],
    ['a method that does not exist', head(`BREW ${API}/programs HTTP/1.1`), 400, 'VALIDATION_ERROR'],
    ['another version of HTTP', head(`GET ${API}/programs HTTP/9.9`), 400, 'VALIDATION_ERROR'],
    ['HTTP/2 without a word', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, 'VALIDATION_ERROR'],
    ['CONNECT', head('CONNECT localhost:22 HTTP/1.1'), 405, 'METHOD_NOT_ALLOWED'],
    [
      'two lengths',
      head(`POST ${API}/quick-start HTTP/1.1`, 'Content-Length: 1', 'Content-Length: 2'),
      400,
      'VALIDATION_ERROR',
    ],
    [
      'a length and chunks (request smuggling)',
      head(`POST ${API}/quick-start HTTP/1.1`, 'Content-Length: 5', 'Transfer-Encoding: chunked') +
        '0\r\n\r\n',
      400,
      'VALIDATION_ERROR',
    ],
    [
      'a header with a line break in it',
      head(`GET ${API}/programs HTTP/1.1`, 'X-A: b\x00c'),
      400,
      'VALIDATION_ERROR',
    ],
    [
      'a header of 20 KiB',
      head(`GET ${API}/programs HTTP/1.1`, `X-A: ${'a'.repeat(20_480)}`),
      413,
      'PAYLOAD_TOO_LARGE',
    ],
    [
      'a flood of headers',
      head(`GET ${API}/programs HTTP/1.1`, ...Array.from({ length: 2000 }, (_, i) => `X-${i}: ${i}`)),
      413,
      'PAYLOAD_TOO_LARGE',
    ],
    [
      'an address of 20 KiB',
      head(`GET ${API}/programs/${'a'.repeat(20_480)} HTTP/1.1`),
      413,
      'PAYLOAD_TOO_LARGE',
    ],
    ['no Host', `GET ${API}/programs HTTP/1.1\r\nConnection: close\r\n\r\n`, 403, 'FORBIDDEN_HOST'],
    [
      'two Hosts',
      head(`GET ${API}/programs HTTP/1.1`, 'Host: 127.0.0.1', 'Connection: close'),
      403,
      'FORBIDDEN_HOST',
    ],
    [
      'another expectation',
      head(`POST ${API}/quick-start HTTP/1.1`, 'Expect: 200-maybe', 'Connection: close'),
      400,
      'VALIDATION_ERROR',
    ],
  ])('%s gets the envelope', async (_title, bytes, status, code) => {
    const answer = await exchange(service.address, bytes);
    expect(statusesOf(answer)).toEqual([status]);
    expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))).toEqual({
      success: false,
      code,
      error: expect.any(String),
    });
  });

  it('HTTP/1.0 with a Host is answered, and the connection closed', async () => {
    const answer = await exchange(service.address, `GET ${API}/health HTTP/1.0\r\nHost: localhost\r\n\r\n`);
    expect(statusesOf(answer)).toEqual([200]);
  });

  it('requests that are sent all at once are answered in their order', async () => {
    const one = head(`GET ${API}/programs/one HTTP/1.1`);
    const live = head(`GET ${API}/health/live HTTP/1.1`);
    const last = head(`GET ${API}/programs/two HTTP/1.1`, 'Connection: close');
    const answer = await exchange(service.address, (one + live).repeat(50) + last);
    expect(statusesOf(answer)).toEqual([...Array.from({ length: 50 }, () => [404, 200]).flat(), 404]);
  });

  it('a body above 1 MiB is refused, one of 1 MiB is read', async () => {
    const request = (bytes: number) =>
      send(service.address, {
        method: 'POST',
        path: `${API}/quick-start`,
        headers: { 'content-type': 'application/json' },
        body: `"${'a'.repeat(bytes - 2)}"`,
      });
    expect((await request(1024 * 1024)).body.code).toBe('VALIDATION_ERROR');
    expect((await request(1024 * 1024 + 1)).body.code).toBe('PAYLOAD_TOO_LARGE');
  });

  it('chunks without an end are refused once they are too much', async () => {
    const chunk = `10000\r\n${'a'.repeat(65_536)}\r\n`;
    const start = head(
      `POST ${API}/quick-start HTTP/1.1`,
      'Content-Type: application/json',
      'Transfer-Encoding: chunked',
    );
    const socket = open(service.address);
    socket.on('error', () => undefined);
    const answered = once(socket, 'data') as Promise<[Buffer]>;
    socket.write(start + chunk.repeat(17));
    expect(statusesOf(String((await answered)[0]))).toEqual([413]);
    socket.destroy();
  });
});

it('who sends a request drop by drop (slow loris) is cut off in time, and holds up nobody', async () => {
  const began = Date.now();
  const slow = Array.from({ length: 200 }, () => {
    const socket = open(service.address);
    socket.on('error', () => undefined);
    socket.write(`GET ${API}/programs HTTP/1.1\r\nHost: localhost\r\n`);
    return socket;
  });
  const drops = setInterval(
    () => slow.forEach((socket) => socket.writable && socket.write('X-A: b\r\n')),
    500,
  );
  const answers = slow.map(async (socket) => {
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += String(chunk)));
    await once(socket, 'close');
    return statusesOf(text)[0];
  });
  expect((await service.get('programs')).status).toBe(200);
  const statuses = await Promise.all(answers);
  clearInterval(drops);
  expect(new Set(statuses)).toEqual(new Set([400]));
  const tookMs = Date.now() - began;
  expect(tookMs).toBeGreaterThan(9_000);
  expect(tookMs).toBeLessThan(20_000);
}, 30_000);

it(`${MAX_STREAMS} event streams can be open; the next is refused clearly, until one is closed`, async () => {
  const sockets: Socket[] = [];
  const openStream = async () => {
    const socket = open(service.address);
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.write(head(`GET ${API}/events HTTP/1.1`));
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    return { socket, text: String(chunk) };
  };
  try {
    const opened: string[] = [];
    for (let i = 0; i < MAX_STREAMS; i += 50)
      opened.push(...(await Promise.all(Array.from({ length: 50 }, openStream))).map(({ text }) => text));
    expect(new Set(opened.map((text) => statusesOf(text)[0]))).toEqual(new Set([200]));
    const refused = await service.get('events');
    expect([refused.status, refused.body.code]).toEqual([429, 'LIMIT_REACHED']);
    expect(refused.body.error).toMatch(/1000 are open already/);
    // Everything else works on.
    expect((await service.get('programs')).status).toBe(200);

    sockets[0]!.destroy();
    for (const end = Date.now() + 10_000; Date.now() < end;) {
      const { socket, text } = await openStream();
      if (statusesOf(text)[0] === 200) return;
      socket.destroy();
    }
    throw new Error('The place of a closed stream does not become free.');
  } finally {
    for (const socket of sockets) socket.destroy();
  }
}, 30_000);
