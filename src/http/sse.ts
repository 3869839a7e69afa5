import { type BeforeApplicationShutdown, Inject, Injectable, Optional } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { DaemonError } from '../domain/errors';
import { EventStream } from './sse-stream';

export interface EventStreamsOptions {
  heartbeatMs?: number;
  /** What one slow client may hold in memory. */
  maxBufferedBytes?: number;
  maxStreams?: number;
}

/** The token under which other limits than the usual ones can be provided. */
export const EVENT_STREAMS_OPTIONS = Symbol('EventStreamsOptions');

/** All open event streams of the service. One timer keeps them alive, and shutdown ends them politely. */
@Injectable()
export class EventStreams implements BeforeApplicationShutdown {
  private readonly streams = new Set<EventStream>();
  private readonly options: Required<EventStreamsOptions>;
  private heartbeat: NodeJS.Timeout | null = null;
  private isShuttingDown = false;

  constructor(@Optional() @Inject(EVENT_STREAMS_OPTIONS) options: EventStreamsOptions | null = null) {
    this.options = { heartbeatMs: 15_000, maxBufferedBytes: 1024 * 1024, maxStreams: 1000, ...options };
  }

  get count(): number {
    return this.streams.size;
  }

  /**
   * Answers the request with an event stream. Nothing else may be sent with this reply from then on. Throws
   * `LIMIT_REACHED` before anything is sent when too many streams are open.
   */
  open(request: FastifyRequest, reply: FastifyReply): EventStream {
    const { maxStreams, maxBufferedBytes } = this.options;
    if (this.streams.size >= maxStreams) {
      throw new DaemonError(
        'LIMIT_REACHED',
        `Cannot open another event stream: ${maxStreams} are open already. Close one, or try again later.`,
      );
    }
    writeHead(reply);
    const stream = new EventStream(reply.raw, maxBufferedBytes);
    this.keep(stream);
    // Sends the headers on their way.
    stream.comment();
    if (request.method === 'HEAD' || this.isShuttingDown) stream.close();
    return stream;
  }

  /** Ends every stream once its client has read what was sent. */
  closeAll(): void {
    for (const stream of this.streams) stream.close();
  }

  beforeApplicationShutdown(): void {
    this.isShuttingDown = true;
    this.closeAll();
  }

  private keep(stream: EventStream): void {
    this.streams.add(stream);
    this.heartbeat ??= setInterval(() => this.beat(), this.options.heartbeatMs).unref();
    void stream.closed.then(() => {
      this.streams.delete(stream);
      if (this.streams.size > 0 || !this.heartbeat) return;
      clearInterval(this.heartbeat);
      this.heartbeat = null;
    });
  }

  private beat(): void {
    for (const stream of this.streams) stream.beat();
  }
}

function writeHead(reply: FastifyReply): void {
  reply.hijack();
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) reply.raw.setHeader(name, value);
  }
  reply.raw.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
    connection: 'keep-alive',
  });
}
