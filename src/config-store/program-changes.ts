import { DaemonError } from '../domain/errors';
import { hasPort, overlaps } from '../domain/port-range';
import type { StoredProgram } from '../domain/program';

/** The list with one program replaced. @throws DaemonError PROGRAM_NOT_FOUND */
export function withProgram(
  programs: readonly StoredProgram[],
  id: string,
  change: (program: StoredProgram) => StoredProgram,
): readonly StoredProgram[] {
  let isFound = false;
  const next = programs.map((program) => {
    if (program.id !== id) return program;
    isFound = true;
    return change(program);
  });
  if (!isFound) throw programNotFound(id);
  return next;
}

export function withoutProgram(programs: readonly StoredProgram[], id: string): readonly StoredProgram[] {
  return programs.filter((program) => program.id !== id);
}

/** The list with a program that was taken out of `before` at its place again, in order of creation. */
export function putBack(
  programs: readonly StoredProgram[],
  program: StoredProgram,
  before: readonly StoredProgram[],
): readonly StoredProgram[] {
  const ids = before.map(({ id }) => id);
  const later = new Set(ids.slice(ids.indexOf(program.id) + 1));
  const next = programs.findIndex(({ id }) => later.has(id));
  return programs.toSpliced(next < 0 ? programs.length : next, 0, program);
}

export function programNotFound(id: string): DaemonError {
  return new DaemonError('PROGRAM_NOT_FOUND', `There is no program "${id}". GET /programs lists them.`);
}

/** The same program, with exactly these ports wanted (and a new object only if that changes something). */
export function withWanted(program: StoredProgram, wanted: ReadonlySet<number>): StoredProgram {
  const isSame = program.wanted.length === wanted.size && program.wanted.every((port) => wanted.has(port));
  return isSame ? program : { ...program, wanted: [...wanted].sort((a, b) => a - b) };
}

/** Names, ids and ports belong to one program each. @throws DaemonError PROGRAM_ALREADY_EXISTS, INVALID_PORT_RANGE */
export function assertNoConflict(
  programs: readonly StoredProgram[],
  candidate: StoredProgram,
  ownId?: string,
): void {
  for (const other of programs) {
    if (other.id === ownId) continue;
    if (other.id === candidate.id || other.name.toLowerCase() === candidate.name.toLowerCase())
      throw new DaemonError(
        'PROGRAM_ALREADY_EXISTS',
        `A program named "${other.name}" (id "${other.id}") already exists.`,
      );
    if (hasPort(candidate.port_range) && overlaps(other.port_range, candidate.port_range))
      throw new DaemonError(
        'INVALID_PORT_RANGE',
        `port_range ${candidate.port_range.start}..${candidate.port_range.end} overlaps with ` +
          `${other.port_range.start}..${other.port_range.end} of program "${other.id}".`,
      );
  }
}
