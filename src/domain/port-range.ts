import { DaemonError } from './errors';

/** Inclusive. `{0, 0}` means: no port. */
export interface PortRange {
  start: number;
  end: number;
}

export const NO_PORT: PortRange = { start: 0, end: 0 };
export const MAX_INSTANCES = 1000;

export function hasPort(range: PortRange): boolean {
  return range.start !== 0;
}

/** More than one instance: start and stop then need a port or `all`. */
export function isMultiInstance(range: PortRange): boolean {
  return range.end > range.start;
}

/** The ports of the instances; a program without a port has one instance, on "port" 0. */
export function instancePorts(range: PortRange): number[] {
  return Array.from({ length: range.end - range.start + 1 }, (_, i) => range.start + i);
}

export function includesPort(range: PortRange, port: number): boolean {
  return port >= range.start && port <= range.end;
}

export function overlaps(a: PortRange, b: PortRange): boolean {
  return hasPort(a) && hasPort(b) && a.start <= b.end && b.start <= a.end;
}

/** @throws DaemonError INVALID_PORT_RANGE that says which rule is broken. */
export function assertPortRange(range: PortRange, servicePort: number | null): void {
  const problem = portRangeProblem(range, servicePort);
  if (problem) throw new DaemonError('INVALID_PORT_RANGE', problem);
}

function portRangeProblem({ start, end }: PortRange, servicePort: number | null): string | null {
  if (start === 0 && end === 0) return null;
  const shown = `port_range ${start}..${end}`;
  if (start < 1 || end > 65535) return `${shown} is outside 1..65535 (0..0 means no port).`;
  if (start > end) return `${shown} starts after it ends.`;
  if (end - start + 1 > MAX_INSTANCES)
    return `${shown} has ${end - start + 1} ports; at most ${MAX_INSTANCES} are allowed per program.`;
  if (servicePort !== null && includesPort({ start, end }, servicePort))
    return `${shown} contains port ${servicePort}, on which this service itself listens.`;
  return null;
}
