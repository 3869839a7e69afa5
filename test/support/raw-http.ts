import { type Agent, type IncomingHttpHeaders, request as httpRequest } from 'node:http';
import { connect, type Socket } from 'node:net';

export interface RawRequest {
  method?: string;
  /** Sent as it is: nothing is normalised. */
  path: string;
  headers?: Record<string, string | string[]>;
  body?: string | Buffer;
  agent?: Agent;
}

export interface RawAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  /** undefined when the answer is not JSON. */
  body: any;
}

/** Where a service listens: `http://host:port` or `http+unix://…`. */
function target(address: string): { host?: string; port?: number; socketPath?: string } {
  const unix = /^http\+unix:\/\/(.+)$/.exec(address)?.[1];
  if (unix) return { socketPath: decodeURIComponent(unix) };
  const { hostname, port } = new URL(address);
  return { host: hostname, port: Number(port) };
}

/** A request just as it is given; an event stream is cut after its head and first bytes. */
export function send(
  address: string,
  { method = 'GET', path, headers, body, agent }: RawRequest,
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest({ ...target(address), method, path, headers, agent }, (response) => {
      const chunks: Buffer[] = [];
      const isStream = response.headers['content-type']?.startsWith('text/event-stream') === true;
      const finish = () => {
        const text = Buffer.concat(chunks).toString();
        const isJson = response.headers['content-type']?.includes('json') === true && method !== 'HEAD';
        resolve({
          status: response.statusCode!,
          headers: response.headers,
          text,
          body: isJson ? JSON.parse(text) : undefined,
        });
      };
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        if (!isStream) return;
        finish();
        response.destroy();
      });
      response.once('end', finish);
      response.once('error', reject);
    });
    outgoing.setTimeout(20_000, () => outgoing.destroy(new Error(`${method} ${path} hangs`)));
    outgoing.once('error', reject);
    outgoing.end(body);
  });
}

/** Writes bytes to a connection. @returns everything that comes back until the other side closes it */
export function exchange(address: string, bytes: string | Buffer, withinMs = 15_000): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = open(address);
    let answer = '';
    const limit = setTimeout(() => socket.destroy(new Error(`still open; so far: ${answer}`)), withinMs);
    socket.setEncoding('latin1').on('data', (text: string) => (answer += text));
    socket.once('error', reject);
    socket.once('close', () => {
      clearTimeout(limit);
      resolve(answer);
    });
    socket.write(bytes);
  });
}

export function open(address: string): Socket {
  const { host, port, socketPath } = target(address);
  return socketPath ? connect(socketPath) : connect(port!, host);
}
