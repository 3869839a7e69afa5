import { DaemonError } from './errors';
import { hasPort, includesPort, isMultiInstance } from './port-range';
import type { Program } from './program';

/** The port of the instance that a reader asks for. @throws DaemonError PORT_REQUIRED, PORT_NOT_IN_RANGE */
export function onePort(program: Program, port: number | undefined): number {
  if (port !== undefined) {
    requireInRange(program, port);
    return port;
  }
  if (!isMultiInstance(program.port_range)) return program.port_range.start;
  const { start, end } = program.port_range;
  throw new DaemonError(
    'PORT_REQUIRED',
    `Program "${program.id}" has an instance for each port of ${start}..${end}: say which with "port".`,
  );
}

export function requireInRange(program: Program, port: number): void {
  const { port_range } = program;
  if (hasPort(port_range) && includesPort(port_range, port)) return;
  throw new DaemonError(
    'PORT_NOT_IN_RANGE',
    hasPort(port_range)
      ? `Port ${port} is not in ${port_range.start}..${port_range.end} of program "${program.id}".`
      : `Program "${program.id}" has no port.`,
  );
}
