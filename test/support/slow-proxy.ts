import { createServer, request, type Server } from 'node:http';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export interface SeenRequest {
  method: string;
  from: number;
  to: number;
}

/** Stands between the service and a supervisord, notes all requests and can make answers late. */
export class SlowProxy {
  readonly seen: SeenRequest[] = [];
  delayMs = 0;
  private readonly server: Server;

  constructor(
    private readonly folder: string,
    private readonly target: string,
  ) {
    this.server = createServer((incoming, outgoing) => {
      const parts: Buffer[] = [];
      incoming.on('data', (part: Buffer) => parts.push(part));
      incoming.on('end', () => {
        const body = Buffer.concat(parts);
        const entry = { method: methodOf(body.toString()), from: Date.now(), to: 0 };
        this.seen.push(entry);
        const { method, url, headers } = incoming;
        const forwarded = request({ socketPath: this.target, method, path: url, headers }, (answer) => {
          void delay(this.delayMs).then(() => {
            entry.to = Date.now();
            outgoing.writeHead(answer.statusCode!, answer.headers);
            answer.pipe(outgoing);
          });
        });
        forwarded.on('error', () => outgoing.destroy());
        forwarded.end(body);
      });
    });
  }

  get url(): string {
    return `unix://${this.socket}`;
  }

  async start(): Promise<this> {
    this.server.listen(this.socket);
    await once(this.server, 'listening');
    return this;
  }

  dispose(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  private get socket(): string {
    return join(this.folder, 'proxy.sock');
  }
}

function methodOf(body: string): string {
  return [...body.matchAll(/(?:<methodName>|<string>)([a-zA-Z]+\.[A-Za-z]+)</g)].map((m) => m[1]).join('+');
}
