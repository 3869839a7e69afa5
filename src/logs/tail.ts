import { startOfLastLines } from './last-lines';
import { LogSnapshot } from './log-snapshot';
import { nextCharStart } from './utf8';

export const MAX_TAIL_BYTES = 8 * 1024 * 1024;

export interface TailOptions {
  lines: number;
  /** Never more than these; 8 MiB unless told. */
  maxBytes?: number;
}

export interface Tail {
  /** As written, a last line break included; bytes that are not UTF-8 are replaced. */
  text: string;
  /** The lines asked for did not fit into `maxBytes`: the first one is cut or missing. */
  truncated: boolean;
}

/**
 * The last lines of a log, its rotated files included. It reads from the end, so the cost depends on the
 * lines and not on the size of the file. A log that does not exist is empty.
 */
export async function tail(file: string, { lines, maxBytes = MAX_TAIL_BYTES }: TailOptions): Promise<Tail> {
  const log = LogSnapshot.open(file);
  try {
    const floor = Math.max(0, log.size - maxBytes);
    const { start, isComplete } = await startOfLastLines(log, log.size, lines, floor);
    const bytes = await log.read(start, log.size);
    return { text: bytes.toString('utf8', isComplete ? 0 : nextCharStart(bytes, 0)), truncated: !isComplete };
  } finally {
    log.close();
  }
}
