import { endianness } from 'node:os';
import { readProcFile } from './proc-files';
import { SharedPass } from './shared-pass';

export interface ListeningSocket {
  port: number;
  address: string;
  /** The user id that opened it. */
  uid: number;
  inode: string;
}

const LISTEN = '0A';
/** Remote port, a state that is not LISTEN, queue. */
const CONNECTION = /:[0-9A-F]{4} (?!0A)[0-9A-F]{2} [0-9A-F]{8}:/;

/** The lines of the tables by their local port; most are never looked at. */
type LinesByPort = Map<number, string[]>;

/** A thousand instances that start together share a few looks, of some milliseconds each. */
const tables = new SharedPass(async () =>
  byPort([...readLines('/proc/net/tcp'), ...readLines('/proc/net/tcp6')]),
);

/** The TCP sockets that listen on the port, in a look that begins after the call. */
export async function listeningOn(port: number): Promise<ListeningSocket[]> {
  return socketsIn(await tables.fresh(), port);
}

export function socketsIn(lines: LinesByPort, port: number): ListeningSocket[] {
  return (lines.get(port) ?? []).flatMap((line) => parseLine(line, port) ?? []);
}

/** Of lines in the format of /proc/net/tcp: `  12: 0100007F:0BB8 …`. */
export function byPort(lines: readonly string[]): LinesByPort {
  const found: LinesByPort = new Map();
  for (const line of lines) {
    const portAt = line.indexOf(':', line.indexOf(':') + 1) + 1;
    const port = Number.parseInt(line.slice(portAt, portAt + 4), 16);
    const others = found.get(port);
    if (others) others.push(line);
    else found.set(port, [line]);
  }
  return found;
}

/** The kernel lists the listening sockets first; after them there may be a hundred thousand connections. */
function readLines(table: string): string[] {
  const text = readProcFile(table, (piece) => CONNECTION.test(piece.toString('latin1')));
  return text?.toString('latin1').split('\n').slice(1) ?? [];
}

function parseLine(line: string, port: number): ListeningSocket | null {
  const fields = line.trim().split(/\s+/, 10);
  const address = fields[1]?.split(':')[0];
  if (address === undefined || fields[3] !== LISTEN) return null;
  return { port, address: addressOf(address), uid: Number(fields[7]), inode: fields[9] ?? '' };
}

/** Addresses are hex, each 32-bit word in the byte order of the machine. */
function addressOf(hex: string): string {
  const bytes = Buffer.from(hex, 'hex');
  if (endianness() === 'LE') bytes.swap32();
  if (bytes.length === 4) return bytes.join('.');
  if (/^0{20}f{4}/.test(bytes.toString('hex'))) return bytes.subarray(12).join('.');
  const groups = bytes.toString('hex').match(/.{4}/g) ?? [];
  // A URL writes an address in its shortest form.
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}
