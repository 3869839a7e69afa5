import { assertPortRange, instancePorts, overlaps } from '../domain/port-range';
import type { Program, StoredProgram } from '../domain/program';
import { slugOf } from '../domain/slug';
import { coherenceProblems } from './assert-coherent';
import { ContentError, entryError } from './content-error';
import { isJsonObject, listOf } from './json-shapes';
import { programFromFields } from './program-from-fields';
import { ProgramFieldsDto } from './program-fields.dto';
import { idProblem } from './program-id';
import { validateFields } from './validate-fields';

/** The content of programs.json. @throws ContentError */
export function parseStoredPrograms(json: unknown): StoredProgram[] {
  return parsePrograms(json, (entry, at) => {
    const { wanted, previous, ...described } = entry;
    const program = parseProgram(described, at);
    const before =
      previous == null ? null : parseProgram(objectAt(previous, `${at}.previous`), `${at}.previous`);
    const ports = [program, ...(before ? [before] : [])].flatMap(({ port_range }) =>
      instancePorts(port_range),
    );
    return { ...program, wanted: parseWanted(wanted ?? [], ports, at), previous: before };
  });
}

/** The content of programs.default.json. @throws ContentError */
export function parseDefaultPrograms(json: unknown): Program[] {
  return parsePrograms(json, (entry, at) => ({ ...parseProgram(entry, at), hoody_kit: true }));
}

function parsePrograms<P extends Program>(
  json: unknown,
  parse: (entry: Record<string, unknown>, at: string) => P,
): P[] {
  const programs: P[] = [];
  for (const [index, entry] of listOf(json, 'programs').entries()) {
    const at = `[${index}]`;
    const program = parse(objectAt(entry, at), at);
    refuseClash(program, programs, at);
    programs.push(program);
  }
  return programs;
}

function parseProgram(entry: Record<string, unknown>, at: string): Program {
  const { fields, problems } = validateFields(ProgramFieldsDto, entry);
  if (problems) throw entryError(at, problems[0]!);
  const program = programFromFields(fields, {
    id: parseId(entry.id ?? slugOf(fields.name), at),
    hoody_kit: parseHoodyKit(entry.hoody_kit ?? false, at),
  });
  refuseBadRange(program, at);
  const [problem] = coherenceProblems(program);
  if (problem) throw entryError(at, problem);
  return program;
}

function parseId(id: unknown, at: string): string {
  if (typeof id !== 'string') throw entryError(at, { field: 'id', message: 'id must be a string' });
  const problem = idProblem(id);
  if (problem) throw entryError(at, { field: 'id', message: `id is ${JSON.stringify(id)}, ${problem}` });
  return id;
}

function parseHoodyKit(value: unknown, at: string): boolean {
  if (typeof value === 'boolean') return value;
  throw entryError(at, { field: 'hoody_kit', message: 'hoody_kit must be true or false' });
}

/** Ports that the program no longer has are dropped: a person may have changed its range by hand. */
function parseWanted(wanted: unknown, ports: readonly number[], at: string): number[] {
  if (!Array.isArray(wanted) || !wanted.every((port) => Number.isSafeInteger(port)))
    throw entryError(at, {
      field: 'wanted',
      message: 'wanted must be a list of ports, [0] for a program without one',
    });
  return [...new Set(ports)].filter((port) => wanted.includes(port));
}

function refuseBadRange(program: Program, at: string): void {
  try {
    assertPortRange(program.port_range, null);
  } catch (error) {
    throw entryError(at, { field: 'port_range', message: (error as Error).message.replace(/\.$/, '') });
  }
}

function refuseClash(program: Program, others: readonly Program[], at: string): void {
  for (const [index, other] of others.entries()) {
    const field =
      other.id === program.id
        ? 'id'
        : other.name.toLowerCase() === program.name.toLowerCase()
          ? 'name'
          : overlaps(other.port_range, program.port_range)
            ? 'port_range'
            : null;
    if (field === null) continue;
    const clash = field === 'port_range' ? 'overlaps with' : 'is the same as';
    throw entryError(at, { field, message: `${field} ${clash} that of [${index}] ("${other.name}")` });
  }
}

function objectAt(value: unknown, at: string): Record<string, unknown> {
  if (isJsonObject(value)) return value;
  throw new ContentError(`${at} must be a program, that is an object`, at);
}
