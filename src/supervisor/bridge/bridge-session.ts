import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import type { BridgeLinkOptions, BridgeLoss, BridgePosition } from './bridge-link';
import {
  type BridgeEvent,
  type BridgeHello,
  type BridgeLine,
  type BridgeReplay,
  type BridgeSnapshot,
  parseBridgeHello,
  parseBridgeLine,
} from './bridge-protocol';
import { LineReader } from './line-reader';

/** supervisord keeps at most that much for a subscriber, so no line is longer. */
const LONGEST_LINE = 8 * 1024 * 1024;

const CLOSED = 'The bridge link was closed';

/** One connection of supervisord to us, from the request for it to its end. */
export class BridgeSession {
  private readonly reader = new LineReader(LONGEST_LINE);
  private server?: Server;
  private socket?: Socket;
  private replay?: { from: BridgeReplay; events: BridgeEvent[] };
  private current?: BridgePosition;
  private hasEnded = false;
  private pingTimer?: NodeJS.Timeout;
  private answerTimer?: NodeJS.Timeout;
  private openingTimer?: NodeJS.Timeout;
  private isOpen = false;
  private resolveOpening: () => void = () => undefined;
  private rejectOpening: (error: Error) => void = () => undefined;

  constructor(
    private readonly options: BridgeLinkOptions,
    private readonly resume?: BridgePosition,
  ) {}

  /** Up to here every event has arrived; undefined before the snapshot. */
  get position(): BridgePosition | undefined {
    return this.current;
  }

  get isUp(): boolean {
    return this.isOpen && !this.hasEnded;
  }

  open(): Promise<BridgeHello> {
    return new Promise<BridgeHello>((resolve, reject) => {
      const withinMs = this.options.connectWithinMs ?? 10_000;
      this.openingTimer = setTimeout(
        () => this.end('silent', `supervisord did not connect within ${withinMs} ms`),
        withinMs,
      );
      this.rejectOpening = reject;
      let hello: BridgeHello | undefined;
      // The answer and the snapshot come on two connections, so in either order.
      this.resolveOpening = () => {
        if (!hello || !this.current) return;
        clearTimeout(this.openingTimer);
        this.isOpen = true;
        resolve(hello);
      };
      this.subscribe().then(
        (answer) => {
          hello = answer;
          this.resolveOpening();
        },
        (error: Error) => {
          this.release();
          reject(error);
        },
      );
    });
  }

  /** Ends it without `onLost`; a pending `open` rejects. */
  close(): void {
    this.release();
    this.rejectOpening(new Error(CLOSED));
  }

  private async subscribe(): Promise<BridgeHello> {
    const { call, socketPath } = this.options;
    parseBridgeHello(await call('hoody.hello', []));
    if (this.hasEnded) throw new Error(CLOSED);
    await this.listen();
    const position = [this.resume?.epoch ?? '', this.resume?.seq ?? 0];
    return parseBridgeHello(await call('hoody.subscribe', [socketPath, ...position]));
  }

  private listen(): Promise<void> {
    const { socketPath } = this.options;
    rmSync(socketPath, { force: true });
    return new Promise((resolve, reject) => {
      this.server = createServer((socket) => this.accept(socket));
      this.server.once('error', reject);
      this.server.listen(socketPath, () => {
        chmodSync(socketPath, 0o600);
        resolve();
      });
    });
  }

  private accept(socket: Socket): void {
    // One connection is what we asked for. Closing the server removes the socket file.
    this.server?.close();
    this.server = undefined;
    if (this.hasEnded || this.socket) {
      socket.destroy();
      return;
    }
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => this.read(chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => this.end('closed', 'supervisord closed the connection'));
    this.pingTimer = setInterval(() => this.ping(), this.options.pingEveryMs ?? 2_000);
  }

  private read(chunk: Buffer): void {
    // Whatever arrives is a sign of life: a supervisord that works off many events answers late.
    clearTimeout(this.answerTimer);
    this.answerTimer = undefined;
    let texts: string[];
    try {
      texts = this.reader.read(chunk);
    } catch (error) {
      this.end('damaged', (error as Error).message);
      return;
    }
    for (const text of texts) {
      if (this.hasEnded) return;
      this.receive(text);
    }
  }

  private receive(text: string): void {
    let line: BridgeLine;
    try {
      line = parseBridgeLine(text);
      this.checkOrder(line);
    } catch (error) {
      this.end('damaged', (error as Error).message);
      return;
    }
    if (line.type === 'pong') return;
    if (line.type === 'replay') {
      this.replay = { from: line, events: [] };
    } else if (line.type === 'snapshot') {
      this.start(line);
    } else if (this.current) {
      this.current = { epoch: this.current.epoch, seq: line.seq };
      this.options.onEvent(line);
    } else {
      this.replay?.events.push(line);
    }
  }

  private start(snapshot: BridgeSnapshot): void {
    this.current = { epoch: snapshot.epoch, seq: snapshot.seq };
    const replayed = this.replay?.events;
    this.replay = undefined;
    if (replayed) this.options.onReplay(replayed);
    this.options.onSnapshot(snapshot);
    this.resolveOpening();
  }

  private checkOrder(line: BridgeLine): void {
    const expected = this.expectedSeq(line);
    if (line.seq !== expected) {
      throw new Error(`Expected number ${expected ?? 'none'} and got ${line.type} with number ${line.seq}`);
    }
  }

  /** undefined: such a line may not come now. */
  private expectedSeq(line: BridgeLine): number | undefined {
    const lastSeq = this.current?.seq ?? this.lastReplayedSeq();
    switch (line.type) {
      case 'pong':
        // It follows all earlier events, so it also shows that none is missing at the end.
        return lastSeq;
      case 'replay': {
        const isFirst = !this.current && !this.replay;
        const isAskedFor = line.epoch === this.resume?.epoch && line.from === this.resume.seq;
        return isFirst && isAskedFor ? line.seq : undefined;
      }
      case 'snapshot':
        if (this.current) return undefined;
        return this.replay ? lastSeq : line.seq;
      default:
        return lastSeq === undefined ? undefined : lastSeq + 1;
    }
  }

  private lastReplayedSeq(): number | undefined {
    return this.replay && this.replay.from.from + this.replay.events.length;
  }

  private ping(): void {
    this.socket?.write('ping\n');
    const withinMs = this.options.answerWithinMs ?? 5_000;
    this.answerTimer ??= setTimeout(
      () => this.end('silent', `supervisord answered nothing within ${withinMs} ms`),
      withinMs,
    );
  }

  private end(reason: BridgeLoss, detail: string): void {
    if (this.hasEnded) return;
    const wasUp = this.isUp;
    this.release();
    if (wasUp) this.options.onLost(reason, detail);
    else this.rejectOpening(new Error(detail));
  }

  private release(): void {
    this.hasEnded = true;
    clearTimeout(this.openingTimer);
    clearInterval(this.pingTimer);
    clearTimeout(this.answerTimer);
    this.server?.close();
    this.server = undefined;
    this.socket?.destroy();
  }
}
