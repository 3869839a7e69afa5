import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { DaemonError } from '../domain/errors';
import { envelopeOf } from '../errors/error-envelope';

/** How long a peer that keeps on sending may delay the end of a connection that was given up. */
const LINGER_MS = 1000;

const answered = new WeakSet<Duplex>();

/** Answers what Node's HTTP parser refused, with the common envelope, and closes the connection. */
export function answerBrokenRequest(error: Error & { code?: string }, socket: Duplex): void {
  if (answered.has(socket)) return;
  if (error.code === 'ECONNRESET' || !socket.writable || isBusyAnswering(socket)) {
    socket.destroy();
    return;
  }
  closeWith(socket, problemOf(error.code));
}

/** The two cases that Node answers by itself, without a body or not at all. */
export function answerOddRequests(server: Server): void {
  server.on('checkExpectation', (_request: IncomingMessage, response: ServerResponse) => {
    const { status, head, body } = answerTo(
      new DaemonError(
        'VALIDATION_ERROR',
        'The only expectation that is supported is "Expect: 100-continue".',
      ),
    );
    response.writeHead(status, head).end(body);
  });
  server.on('connect', (_request: IncomingMessage, socket: Duplex) => {
    socket.on('error', () => socket.destroy());
    closeWith(socket, new DaemonError('METHOD_NOT_ALLOWED', 'This is no proxy: CONNECT is not supported.'));
  });
}

/**
 * Whether the answer to an earlier, complete request is still due on this connection: anything written now
 * would be taken for that answer.
 */
function isBusyAnswering(socket: Duplex): boolean {
  const { _httpMessage: response } = socket as { _httpMessage?: ServerResponse | null };
  return response != null && (response.headersSent || response.req.complete);
}

function problemOf(code: string | undefined): DaemonError {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new DaemonError(
        'PAYLOAD_TOO_LARGE',
        'The address and headers of the request are too large; at most 16 KiB are accepted.',
      );
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new DaemonError(
        'VALIDATION_ERROR',
        'The request did not arrive in time; send it without pauses.',
      );
    default:
      return new DaemonError(
        'VALIDATION_ERROR',
        `The request is not valid HTTP/1.1${code ? ` (${code})` : ''}.`,
      );
  }
}

function closeWith(socket: Duplex, error: DaemonError): void {
  answered.add(socket);
  const { status, head, body } = answerTo(error);
  const lines = Object.entries(head).map(([name, value]) => `${name}: ${value}`);
  socket.end([`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...lines, '', body].join('\r\n'));
  // Closing with unread bytes makes the kernel reset the connection, which can overtake the answer.
  socket.resume();
  const giveUp = setTimeout(() => socket.destroy(), LINGER_MS).unref();
  socket.once('end', () => socket.destroy());
  socket.once('close', () => clearTimeout(giveUp));
}

function answerTo(error: DaemonError): {
  status: number;
  head: Record<string, string | number>;
  body: string;
} {
  const envelope = envelopeOf(error);
  const body = JSON.stringify(envelope.body);
  return {
    status: envelope.status,
    head: {
      'content-type': 'application/json; charset=utf-8',
      'content-length': Buffer.byteLength(body),
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      connection: 'close',
    },
    body,
  };
}
