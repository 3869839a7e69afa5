import { Injectable } from '@nestjs/common';
import { StatePaths, type LogType } from '../config-store/state-paths';
import type { EventStream } from '../http/sse-stream';
import type { Instance } from '../supervisor/instance';
import { LogFollowers } from './log-follower';
import { removeLogFiles } from './log-removal';
import { streamLogs, type LogStream } from './log-stream';
import { searchLog, type LogSearch } from './search-log';
import { tail } from './tail';

export interface ReadLogsOptions {
  lines: number;
  /** The other one is `""` then. */
  type?: LogType;
  /** If it or one of the times is given, only the lines that match. */
  search?: Omit<LogSearch, 'lines'>;
}

export interface Logs {
  stdout: string;
  stderr: string;
  /** Not all that was asked for is here; absent otherwise. */
  truncated?: true;
}

export interface FollowLogsOptions {
  lines: number;
  type?: LogType;
  lastEventId?: string | null;
}

const LAST_LINES_BYTES = 64 * 1024;

/** The logs of programs, from their files. An instance that never ran has empty logs. */
@Injectable()
export class LogReader {
  private readonly streams = new Map<LogStream, Instance>();

  constructor(
    private readonly paths: StatePaths,
    private readonly followers: LogFollowers,
  ) {}

  async read(instance: Instance, { lines, type, search }: ReadLogsOptions): Promise<Logs> {
    const readOne = async (one: LogType) => {
      if (type && type !== one) return { text: '', truncated: false };
      const file = this.paths.logFile(instance, one);
      return search ? searchLog(file, { ...search, lines }) : tail(file, { lines });
    };
    const [stdout, stderr] = await Promise.all([readOne('stdout'), readOne('stderr')]);
    const truncated = stdout.truncated || stderr.truncated;
    return { stdout: stdout.text, stderr: stderr.text, ...(truncated && { truncated }) };
  }

  /** Without line breaks; at most 64 KiB of them. */
  async lastLines(instance: Instance, type: LogType, lines: number): Promise<string[]> {
    const { text } = await tail(this.paths.logFile(instance, type), { lines, maxBytes: LAST_LINES_BYTES });
    return text === '' ? [] : text.replace(/\n$/, '').split('\n');
  }

  /** Streams the logs until the client leaves or `endStreams`. */
  follow(instance: Instance, options: FollowLogsOptions, stream: EventStream): void {
    const files = {
      stdout: this.paths.logFile(instance, 'stdout'),
      stderr: this.paths.logFile(instance, 'stderr'),
    };
    const logStream = streamLogs(this.followers, { ...options, files }, stream);
    this.streams.set(logStream, instance);
    void stream.closed.then(() => this.streams.delete(logStream));
  }

  /** Tells those who follow that there will be no more, of one port or of all. Never rejects. */
  async endStreams(owner: string, port?: number): Promise<void> {
    const ending = [...this.streams].filter(
      ([, instance]) => instance.owner === owner && (port === undefined || instance.port === port),
    );
    await Promise.all(ending.map(([logStream]) => logStream.end()));
  }

  /** Ends the streams and deletes the log files, rotated ones too, of one port or of all. */
  async remove(owner: string, port?: number): Promise<void> {
    // Not waited for: a slow client must not keep the files.
    void this.endStreams(owner, port);
    await removeLogFiles(this.paths.logs, owner, port);
  }
}
