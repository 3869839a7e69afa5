import type { LogType } from '../config-store/state-paths';
import type { EventStream, StreamEvent } from '../http/sse-stream';
import type { LogFollower, LogFollowers, LogSink } from './log-follower';
import { formatPosition, LOST, parsePosition, type LogPosition } from './log-position';
import type { LogLine } from './line-splitter';

export interface LogStreamOptions {
  files: Record<LogType, string>;
  /** One of the two; both if it is not given. */
  type?: LogType;
  /** Lines of each that are there already and come first. */
  lines: number;
  /** The `Last-Event-ID` of a client that comes back: it goes on exactly after that line. */
  lastEventId?: string | null;
}

const ID_PREFIX: Record<LogType, string> = { stdout: 'o', stderr: 'e' };

/**
 * Streams a program's output: first the last lines of each stream (`time` null), then every line as it comes.
 * Events are `stdout` and `stderr` with `{line, time}`. An id holds the places in all the logs of the stream,
 * `o:<inode>.<birth>-<offset>,e:…`, so it means the same after a rotation or a restart of the service. Where
 * that place is gone (rotated away, truncated) or the id is none of ours comes `gap` with `{stream}`, then
 * the last lines. A slow client is waited for, and reads on from the file; `gap` if the log has outrun it.
 */
export function streamLogs(
  followers: LogFollowers,
  options: LogStreamOptions,
  stream: EventStream,
): LogStream {
  const logStream = new LogStream(followers, options, stream);
  void logStream.run();
  return logStream;
}

export class LogStream {
  private readonly sources: Source[];

  constructor(
    followers: LogFollowers,
    { files, type, lines, lastEventId }: LogStreamOptions,
    private readonly stream: EventStream,
  ) {
    const types: LogType[] = type ? [type] : ['stdout', 'stderr'];
    const places = lastEventId ? parseEventId(lastEventId) : {};
    this.sources = types.map((name) => new Source(name, stream, () => this.sources));
    for (const source of this.sources) {
      const after = places[source.type] ?? null;
      source.follower = followers.follow(files[source.type], { lines, after }, source);
    }
    void stream.closed.then(() => this.release());
  }

  /** Ends when the stream does. Never rejects: a log that can't be read closes the stream. */
  async run(): Promise<void> {
    try {
      // Every id tells the places in all logs, so these must be known before the first line.
      for (const { follower } of this.sources) await follower.locate();
      for (const { follower } of this.sources) await follower.replay();
      await Promise.all(this.sources.map(({ follower }) => follower.live()));
    } catch {
      this.stream.close();
    }
  }

  /** The program is gone for good: the rest of its output, `event: end`, and the connection is closed. */
  async end(): Promise<void> {
    await Promise.race([
      Promise.all(this.sources.map(({ follower }) => follower.finish())),
      this.stream.closed,
    ]);
    this.stream.send({ event: 'end', data: {} });
    this.stream.close();
  }

  private release(): void {
    for (const { follower } of this.sources) follower.close();
  }
}

/** One of the logs of a stream. */
class Source implements LogSink {
  follower: LogFollower;

  constructor(
    readonly type: LogType,
    private readonly stream: EventStream,
    private readonly all: () => readonly Source[],
  ) {}

  take(lines: readonly LogLine[]): boolean {
    const id = this.idWriter();
    this.stream.sendAll(
      lines.map((line): StreamEvent => ({ event: this.type, id: id(line), json: line.json })),
    );
    return !this.stream.isCongested;
  }

  ready(): Promise<void> {
    return this.stream.drained();
  }

  gap(): void {
    this.stream.send({ event: 'gap', data: { stream: this.type } });
  }

  failed(): void {
    this.stream.close();
  }

  /** Only this log's place differs from line to line. */
  private idWriter(): (line: LogLine) => string {
    const others = this.all().map((source) => {
      const place = source === this ? '' : formatPosition(source.follower.position);
      return `${ID_PREFIX[source.type]}:${place}`;
    });
    const own = this.all().indexOf(this);
    const before = others.slice(0, own + 1).join(',');
    const after = others
      .slice(own + 1)
      .map((other) => `,${other}`)
      .join('');
    return (line) => `${before}${line.file}-${line.end}${after}`;
  }
}

function parseEventId(id: string): Partial<Record<LogType, LogPosition>> {
  const places: Partial<Record<LogType, LogPosition>> = {};
  for (const part of id.split(',')) {
    const type = part.startsWith('o:') ? 'stdout' : part.startsWith('e:') ? 'stderr' : null;
    const position = parsePosition(part.slice(2));
    if (!type || !position) return { stdout: LOST, stderr: LOST };
    places[type] = position;
  }
  return places;
}
