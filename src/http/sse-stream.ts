import type { ServerResponse } from 'node:http';

/** One server-sent event. */
export interface StreamEvent {
  event: string;
  id?: string;
  /** Written as JSON. */
  data?: unknown;
  /** The data if it is JSON already; it must not hold line breaks. */
  json?: string;
}

/** Above this a sender who can wait should. */
const CONGESTED_BYTES = 256 * 1024;
const MISSED_BEATS = 4;

/**
 * One open event stream. What the client does not read fast enough waits in memory up to `maxBufferedBytes`
 * (and the one event or batch above it); then the connection is cut, and the client may resume with
 * `Last-Event-ID`. Sending to a stream that is closed does nothing.
 */
export class EventStream {
  /** Resolves when the stream is over, whoever ended it. */
  readonly closed: Promise<void>;
  private isOver = false;
  private missedBeats = 0;

  constructor(
    private readonly response: ServerResponse,
    private readonly maxBufferedBytes: number,
  ) {
    this.closed = new Promise((resolve) => {
      const over = () => {
        this.isOver = true;
        resolve();
      };
      response.once('close', over);
      // A write to a connection that has just gone is no fault of ours; `close` follows.
      response.on('error', over);
      response.on('drain', () => (this.missedBeats = 0));
      if (response.destroyed || response.socket?.destroyed) over();
    });
  }

  get isClosed(): boolean {
    return this.isOver;
  }

  /** The client reads slower than we write. */
  get isCongested(): boolean {
    return !this.isOver && this.response.writableLength > CONGESTED_BYTES;
  }

  send(event: StreamEvent): void {
    this.write(frame(event));
  }

  /** Many events in one write, which costs little more than one event. */
  sendAll(events: readonly StreamEvent[]): void {
    this.write(events.map(frame).join(''));
  }

  comment(text = ''): void {
    this.write(`:${text && ` ${text}`}\n\n`);
  }

  /** Resolves when what was written has been taken by the network, or the stream is over. */
  async drained(): Promise<void> {
    if (this.isOver || this.response.writableLength === 0) return;
    const drained = new Promise<void>((resolve) => this.response.once('drain', resolve));
    await Promise.race([drained, this.closed]);
  }

  /** Shows that the connection is alive; cuts it when nothing has been read for four beats. */
  beat(): void {
    if (this.response.writableLength === 0) this.comment();
    else if (++this.missedBeats >= MISSED_BEATS) this.destroy();
  }

  /** Ends it once everything that was sent has been read. */
  close(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.response.end();
  }

  /** Ends it at once. */
  destroy(): void {
    this.isOver = true;
    this.response.destroy();
  }

  private write(text: string): void {
    if (this.isOver) return;
    if (this.response.writableLength > this.maxBufferedBytes) this.destroy();
    else this.response.write(text);
  }
}

function frame({ event, id, data, json }: StreamEvent): string {
  const lines = json ?? asText(data);
  return `event: ${event}\n${id === undefined ? '' : `id: ${id}\n`}data: ${lines}\n\n`;
}

/** A line break within the data would end the field: every line becomes a field of its own. */
function asText(data: unknown): string {
  const text = typeof data === 'string' ? data : (JSON.stringify(data) ?? '');
  return /[\r\n]/.test(text) ? text.split(/\r\n|\r|\n/).join('\ndata: ') : text;
}
