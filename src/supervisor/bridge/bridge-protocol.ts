/** What the Python package `hoody_bridge` answers and writes. Times are milliseconds since the epoch. */

export const BRIDGE_VERSION = 1;

export type BridgeProcessState =
  'STOPPED' | 'STARTING' | 'RUNNING' | 'BACKOFF' | 'STOPPING' | 'EXITED' | 'FATAL' | 'UNKNOWN';

export interface BridgeHello {
  version: number;
  /** The version of supervisord. */
  supervisor: string;
  pid: number;
  /** Changes whenever supervisord starts; sequence numbers of different epochs can't be compared. */
  epoch: string;
  seq: number;
}

interface Sequenced {
  seq: number;
  time: number;
}

/**
 * `pid`, `exit`, `signal` and `core` belong to the latest run, so they stay after its end until the next
 * STARTING. STARTING itself comes before the fork and has no pid; a {@link BridgePidEvent} follows.
 */
export interface BridgeStateEvent extends Sequenced {
  type: 'state';
  group: string;
  name: string;
  from: BridgeProcessState;
  to: BridgeProcessState;
  pid: number | null;
  /** Exit code; null while it runs and when a signal ended it. */
  exit: number | null;
  signal: number | null;
  core: boolean;
  spawnerr: string | null;
  /** Only for EXITED: whether the code is one of `exitcodes`. */
  expected: boolean | null;
  /** Failed starts in a row. */
  tries: number;
  start: number | null;
  stop: number | null;
}

export interface BridgePidEvent extends Sequenced {
  type: 'pid';
  group: string;
  name: string;
  pid: number;
}

export interface BridgeGroupEvent extends Sequenced {
  type: 'group';
  action: 'added' | 'removed';
  group: string;
  processes: string[];
}

export interface BridgeSupervisorEvent extends Sequenced {
  type: 'supervisor';
  state: 'RUNNING' | 'STOPPING';
}

export type BridgeEvent = BridgeStateEvent | BridgePidEvent | BridgeGroupEvent | BridgeSupervisorEvent;

export type BridgeProcessRow = [
  group: string,
  name: string,
  state: BridgeProcessState,
  pid: number | null,
  exit: number | null,
  signal: number | null,
  spawnerr: string | null,
  start: number | null,
  stop: number | null,
  tries: number,
];

export interface BridgeSnapshot {
  type: 'snapshot';
  epoch: string;
  seq: number;
  pid: number;
  time: number;
  processes: BridgeProcessRow[];
  /** Groups without processes are only here. */
  groups: string[];
  /** True when the events since the last connection could not be replayed. */
  gap: boolean;
}

export interface BridgeReplay {
  type: 'replay';
  epoch: string;
  seq: number;
  from: number;
}

export interface BridgePong {
  type: 'pong';
  seq: number;
}

export type BridgeLine = BridgeEvent | BridgeSnapshot | BridgeReplay | BridgePong;

export interface BridgeApplied {
  added: string[];
  replaced: string[];
  kept: string[];
}

export interface BridgeRemoved {
  removed: string[];
}

const LINE_TYPES = new Set(['state', 'pid', 'group', 'supervisor', 'snapshot', 'replay', 'pong']);

/** @throws Error when the text is not a line of the bridge */
export function parseBridgeLine(text: string): BridgeLine {
  const line = parseObject(text);
  if (!LINE_TYPES.has(line.type as string) || !Number.isSafeInteger(line.seq)) throw notALine(text);
  return line as unknown as BridgeLine;
}

/** @throws Error when the answer is not the one of a bridge that we understand */
export function parseBridgeHello(answer: unknown): BridgeHello {
  const hello = parseObject(String(answer));
  if (hello.version !== BRIDGE_VERSION) {
    throw new Error(
      `The bridge in supervisord speaks version ${String(hello.version)}, not ${BRIDGE_VERSION}`,
    );
  }
  if (typeof hello.epoch !== 'string') throw notALine(String(answer));
  return hello as unknown as BridgeHello;
}

function parseObject(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw notALine(text);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw notALine(text);
  return value as Record<string, unknown>;
}

function notALine(text: string): Error {
  return new Error(`Not a line of the bridge: ${JSON.stringify(text.slice(0, 100))}`);
}
