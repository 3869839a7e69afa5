import { spawn, type ChildProcess } from 'node:child_process';

export interface Received {
  event: string;
  id?: string;

  data: any;
  /** When it came, in milliseconds. */
  at: number;
}

/** An event stream as curl reads it. */
export class CurlStream {
  readonly events: Received[] = [];
  comments = 0;
  /** The last id, as a browser would remember it: one without an event counts too. */
  lastId: string | undefined;
  /** curl's exit code, when the stream is over. */
  readonly ended: Promise<number | null>;
  private readonly child: ChildProcess;
  private readonly waiting = new Set<() => void>();
  private rest = '';

  constructor(url: string, headers: Record<string, string> = {}, options: string[] = []) {
    const given = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
    this.child = spawn('curl', ['-sN', ...given, ...options, url], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.child.stdout!.setEncoding('utf8').on('data', (text: string) => this.read(text));
    this.ended = new Promise((resolve) => this.child.once('close', resolve));
  }

  /** @returns an open stream, of which something has come */
  static async open(url: string, headers?: Record<string, string>): Promise<CurlStream> {
    const stream = new CurlStream(url, headers);
    await stream.until(() => stream.comments > 0);
    return stream;
  }

  /** Lines of a log stream, in their order. */
  lines(type?: 'stdout' | 'stderr'): string[] {
    return this.events
      .filter(({ event }) => (type ? event === type : event === 'stdout' || event === 'stderr'))
      .map(({ data }) => data.line as string);
  }

  of(event: string): Received[] {
    return this.events.filter((one) => one.event === event);
  }

  async until(isDone: () => boolean, withinMs = 15_000): Promise<void> {
    const deadline = Date.now() + withinMs;
    while (!isDone()) {
      const left = deadline - Date.now();
      if (left <= 0)
        throw new Error(`The stream did not come out as wanted: ${JSON.stringify(this.events.slice(-8))}`);
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          clearTimeout(timer);
          this.waiting.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, left);
        this.waiting.add(wake);
      });
    }
  }

  async close(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
  }

  private read(text: string): void {
    const blocks = (this.rest + text).split('\n\n');
    this.rest = blocks.pop()!;
    for (const block of blocks) this.readBlock(block);
    for (const wake of this.waiting) wake();
  }

  private readBlock(block: string): void {
    const fields = new Map<string, string>();
    for (const line of block.split('\n')) {
      if (line.startsWith(':')) this.comments++;
      else fields.set(line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2));
    }
    const id = fields.get('id');
    if (id !== undefined) this.lastId = id;
    const data = fields.get('data');
    if (data !== undefined)
      this.events.push({ event: fields.get('event')!, id, data: JSON.parse(data), at: Date.now() });
  }
}
