import { invalidFields, type FieldProblem } from '../domain/errors';
import { hasPort } from '../domain/port-range';
import type { Program } from '../domain/program';

export const PORT_PLACEHOLDER = '{{PORT}}';

type PortFields = Pick<Program, 'command' | 'environment' | 'port_range'> &
  Partial<Pick<Program, 'port_param'>>;

/** The rules that need several fields at once. @throws DaemonError VALIDATION_ERROR */
export function assertCoherent(program: PortFields): void {
  const problems = coherenceProblems(program);
  if (problems.length > 0) throw invalidFields(...problems);
}

/** What needs a port in a program that has none. */
export function coherenceProblems({
  command,
  environment,
  port_param,
  port_range,
}: PortFields): FieldProblem[] {
  if (hasPort(port_range)) return [];
  const problems: FieldProblem[] = [];
  const needsRange = (field: string, what: string) =>
    problems.push({ field, message: `${field} ${what}, but the program has no port: give it a port_range` });
  if (command.includes(PORT_PLACEHOLDER)) needsRange('command', `contains ${PORT_PLACEHOLDER}`);
  for (const [name, value] of Object.entries(environment))
    if (value.includes(PORT_PLACEHOLDER)) needsRange(`environment.${name}`, `contains ${PORT_PLACEHOLDER}`);
  if (port_param != null) needsRange('port_param', 'is set');
  return problems;
}
