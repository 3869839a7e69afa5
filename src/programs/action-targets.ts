import { DaemonError, invalidFields } from '../domain/errors';
import { requireInRange } from '../domain/instance-port';
import { instancePorts, isMultiInstance, type PortRange } from '../domain/port-range';
import type { Program } from '../domain/program';

/** What an action's body says about instances. */
export interface TargetOptions {
  port?: number | null;
  all?: boolean | null;
  /** Ports and ranges: `[3001, "3005-3010"]`. */
  ports?: (number | string)[] | null;
}

export interface Targets {
  /** 0 stands for a program without a port. */
  ports: number[];
  /** The answer is about a list (`all` or `ports`) of a program with several instances. */
  isFleet: boolean;
  /** `all` was asked for. */
  isAll: boolean;
  /** The one port that was asked for, for the answer. */
  port: number | null;
  /** The answer carries a list beside the one instance's state. */
  withList: boolean;
}

/** @throws DaemonError PORT_REQUIRED, PORT_NOT_IN_RANGE, VALIDATION_ERROR */
export function targetsOf(program: Program, { port, all, ports }: TargetOptions): Targets {
  const given = [port != null && 'port', all === true && 'all', ports != null && 'ports'].filter(Boolean);
  if (given.length > 1)
    throw invalidFields({
      field: String(given[1]),
      message: `${given.join(' and ')} can't be used together`,
    });
  const range = program.port_range;
  if (port != null) {
    requireInRange(program, port);
    return { ports: [port], isFleet: false, isAll: false, port, withList: false };
  }
  if (ports != null) {
    const ranges = ports.map(rangeOf);
    // Before they are written out: a thousand times 1-65535 would fill the memory.
    for (const one of ranges.flatMap(({ start, end }) => [start, end])) requireInRange(program, one);
    const listed = [...new Set(ranges.flatMap(instancePorts))].sort((a, b) => a - b);
    return { ports: listed, isFleet: true, isAll: false, port: null, withList: true };
  }
  if (!isMultiInstance(range))
    return {
      ports: instancePorts(range),
      isFleet: false,
      isAll: all === true,
      port: null,
      withList: all === true,
    };
  if (all !== true)
    throw new DaemonError(
      'PORT_REQUIRED',
      `Program "${program.id}" has an instance for each port of ${range.start}..${range.end}: say which with "port", or "all": true.`,
    );
  return { ports: instancePorts(range), isFleet: true, isAll: true, port: null, withList: true };
}

function rangeOf(entry: number | string): PortRange {
  if (typeof entry === 'number') return { start: entry, end: entry };
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(entry);
  const start = Number(match?.[1]);
  const end = Number(match?.[2] ?? start);
  if (!match || start < 1 || end > 65_535 || start > end)
    throw invalidFields({
      field: 'ports',
      message: `ports holds "${entry}"; it takes ports and ranges like "3005-3010"`,
    });
  return { start, end };
}
