import { instancePorts } from '../domain/port-range';
import type { StoredProgram } from '../domain/program';
import { withWanted } from '../config-store/program-changes';

/** What is wanted when supervisord comes up anew: `always` all of it, `never` nothing, `restore` what was. */
export function wantedAtBoot(programs: readonly StoredProgram[]): readonly StoredProgram[] {
  const next = programs.map((program) => {
    if (!program.enabled || program.boot === 'restore') return program;
    return withWanted(program, new Set(program.boot === 'always' ? instancePorts(program.port_range) : []));
  });
  return next.some((program, i) => program !== programs[i]) ? next : programs;
}

/** An edit with restart that was cut short: the version before counts. */
export function withoutCutShortEdits(programs: readonly StoredProgram[]): readonly StoredProgram[] {
  if (programs.every((program) => program.previous === null)) return programs;
  return programs.map(({ previous, wanted, ...program }) => {
    if (!previous) return { ...program, wanted, previous };
    const ports = instancePorts(previous.port_range);
    return { ...previous, wanted: wanted.filter((port) => ports.includes(port)), previous: null };
  });
}
