import { type AddressInfo, connect } from 'node:net';
import fastify, { type FastifyInstance } from 'fastify';
import { answerOddRequests } from './broken-connection';
import { fastifyOptions } from './fastify-options';

const LIMITS = { headersMs: 200, requestMs: 400, keepAliveMs: 5_000, checkEveryMs: 50 };

let server: FastifyInstance;
let port: number;
let letSlowAnswerGo: () => void;

beforeAll(async () => {
  server = fastify(fastifyOptions(LIMITS));
  answerOddRequests(server.server);
  server.get('/fast', async () => ({ fast: true }));
  server.post('/echo', async (request) => ({ got: request.body }));
  const gate = new Promise<void>((resolve) => (letSlowAnswerGo = resolve));
  server.get('/slow', async () => {
    await gate;
    return { slow: true };
  });
  await server.listen({ host: '127.0.0.1', port: 0 });
  port = (server.server.address() as AddressInfo).port;
});

afterAll(() => server.close());

/** Everything that the service answers until it closes the connection. */
function conversation(...pieces: (string | Buffer)[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
    let answer = '';
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => (answer += text));
    socket.on('end', () => {
      socket.end();
      resolve(answer);
    });
    socket.on('error', reject);
    for (const piece of pieces) socket.write(piece);
  });
}

function partsOf(answer: string): { status: number; body: Record<string, unknown>; head: string } {
  const [head = '', body = ''] = answer.split('\r\n\r\n');
  return { status: Number(head.split(' ')[1]), body: JSON.parse(body) as Record<string, unknown>, head };
}

describe('a request that is not HTTP', () => {
  it.each([
    ['garbage', 'hello, is anybody there?\r\n\r\n'],
    ['the start of a TLS connection', Buffer.from('16030100c8010000c40303', 'hex')],
    ['an unknown method', 'FETCH / HTTP/1.1\r\nHost: localhost\r\n\r\n'],
    ['a header without a name', 'GET / HTTP/1.1\r\n: x\r\n\r\n'],
    ['two lengths', 'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n'],
    [
      'a length and chunks at once, as request smugglers send',
      'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['a negative length', 'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n'],
  ])('gets the envelope and a clean close: %s', async (_what, bytes) => {
    const { status, body, head } = partsOf(await conversation(bytes));
    expect(status).toBe(400);
    expect(body).toEqual({
      success: false,
      code: 'VALIDATION_ERROR',
      error: expect.stringContaining('not valid HTTP'),
    });
    expect(head).toContain('connection: close');
  });

  it('gets 413 when its headers exceed 16 KiB, however long it goes on sending', async () => {
    const flood = `x-flood: ${'x'.repeat(1000)}\r\n`.repeat(1000);
    const { status, body } = partsOf(await conversation('GET /fast HTTP/1.1\r\nHost: localhost\r\n', flood));
    expect(status).toBe(413);
    expect(body).toMatchObject({ success: false, code: 'PAYLOAD_TOO_LARGE' });
  });

  it('gets 413 when its path exceeds 16 KiB', async () => {
    const { body } = partsOf(
      await conversation(`GET /${'a'.repeat(20_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`),
    );
    expect(body).toMatchObject({ success: false, code: 'PAYLOAD_TOO_LARGE' });
  });

  it.each([
    ['opens a connection and says nothing', ''],
    ['sends half a head', 'GET /fast HTTP/1.1\r\nHost: loc'],
    [
      'sends half a body',
      'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"a"',
    ],
  ])('is given up, with the envelope, when the client %s', async (_what, bytes) => {
    const { body } = partsOf(await conversation(bytes));
    expect(body).toMatchObject({
      success: false,
      code: 'VALIDATION_ERROR',
      error: expect.stringContaining('in time'),
    });
  });

  it.each([
    ['Expect: a-miracle', 'GET /fast HTTP/1.1\r\nHost: a\r\nExpect: a-miracle\r\n\r\n', 'VALIDATION_ERROR'],
    ['CONNECT', 'CONNECT example.com:443 HTTP/1.1\r\nHost: a\r\n\r\n', 'METHOD_NOT_ALLOWED'],
  ])('gets the envelope for %s, which Node would answer without a body', async (_what, bytes, code) => {
    expect(partsOf(await conversation(bytes)).body).toMatchObject({ success: false, code });
  });

  it.each([
    ['a broken percent-encoding', '/%zz', 'VALIDATION_ERROR'],
    ['half an encoded character', '/%e0%a4%a', 'VALIDATION_ERROR'],
  ])('gets the envelope for a path with %s', async (_what, path, code) => {
    const answer = await conversation(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    expect(partsOf(answer).body).toMatchObject({ success: false, code });
  });
});

describe('a connection with several requests', () => {
  it('is answered in the order of the requests', async () => {
    const get = (path: string, more = ''): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n${more}\r\n`;
    const answer = await conversation(get('/fast') + get('/nothing') + get('/fast', 'Connection: close\r\n'));
    expect(answer.match(/HTTP\/1.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 404', 'HTTP/1.1 200']);
  });

  it('does not let garbage pass for the answer to a request that is still being worked on', async () => {
    const answer = await conversation('GET /slow HTTP/1.1\r\nHost: a\r\n\r\ngarbage\r\n\r\n');
    letSlowAnswerGo();
    expect(answer).toBe('');
  });
});
