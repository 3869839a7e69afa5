import { endianness } from 'node:os';
import { readProcFile } from './proc-files';

export interface ListeningSocket {
  port: number;
  address: string;
  /** The user id that opened it. */
  uid: number;
  inode: string;
}

/** A table this young may be used to say that a port is free. */
const CACHE_MS = 100;
const LISTEN = '0A';
/** Remote port, a state that is not LISTEN, queue. */
const CONNECTION = /:[0-9A-F]{4} (?!0A)[0-9A-F]{2} [0-9A-F]{8}:/;

let cached: { readMs: number; sockets: Map<number, ListeningSocket[]> } | null = null;

/** The TCP sockets that listen on the port now. */
export function listeningOn(port: number): ListeningSocket[] {
  return readListening().get(port) ?? [];
}

/**
 * As `listeningOn`, but a port that nobody held a tenth of a second ago counts as free: a thousand
 * instances that start together then cost a few reads instead of a thousand.
 */
export function listeningOnLately(port: number): ListeningSocket[] {
  const isYoung = cached !== null && performance.now() - cached.readMs < CACHE_MS;
  if (isYoung && !cached!.sockets.has(port)) return [];
  return listeningOn(port);
}

function readListening(): Map<number, ListeningSocket[]> {
  const sockets = new Map<number, ListeningSocket[]>();
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const socket of parseSocketTable(readListeningPart(table))) {
      const others = sockets.get(socket.port);
      if (others) others.push(socket);
      else sockets.set(socket.port, [socket]);
    }
  }
  cached = { readMs: performance.now(), sockets };
  return sockets;
}

/** The kernel lists the listening sockets first; after them there may be a hundred thousand connections. */
function readListeningPart(table: string): string {
  return readProcFile(table, (piece) => CONNECTION.test(piece.toString('latin1')))?.toString('latin1') ?? '';
}

/** The listening sockets of a table in the format of /proc/net/tcp. */
export function parseSocketTable(text: string): ListeningSocket[] {
  const sockets: ListeningSocket[] = [];
  for (const line of text.split('\n').slice(1)) {
    const fields = line.trim().split(/\s+/, 10);
    const [, local, , state] = fields;
    if (local === undefined || state === undefined) continue;
    if (state !== LISTEN) break;
    const [address = '', port = ''] = local.split(':');
    sockets.push({
      port: Number.parseInt(port, 16),
      address: addressOf(address),
      uid: Number(fields[7]),
      inode: fields[9] ?? '',
    });
  }
  return sockets;
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
