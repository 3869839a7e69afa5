import { Injectable } from '@nestjs/common';
import { ConfigRepository } from '../config-store/config-repository';
import { DaemonError } from '../domain/errors';
import type { StoredProgram } from '../domain/program';
import { stoppedMeanwhile } from '../instances/instance-runner';
import { startFailed } from '../instances/start-failed';
import { withProgram, withWanted } from '../config-store/program-changes';

/** Which instances should run, saved before anything is done about it. */
@Injectable()
export class DesiredPorts {
  constructor(private readonly repository: ConfigRepository) {}

  /** @returns the ports that were not wanted before */
  async want(id: string, ports: readonly number[]): Promise<number[]> {
    const before = new Set(this.repository.program(id).wanted);
    await this.change(id, (wanted) => ports.forEach((port) => wanted.add(port)));
    return ports.filter((port) => !before.has(port));
  }

  /** Does nothing for a program that is gone. */
  async unwant(id: string, ports: readonly number[]): Promise<void> {
    if (ports.length === 0 || !this.find(id)) return;
    await this.change(id, (wanted) => ports.forEach((port) => wanted.delete(port)));
  }

  /** @throws DaemonError when the instance should not be started any more */
  assertWanted(id: string, port: number): void {
    const program = this.repository.program(id);
    if (!program.enabled) throw programDisabled(program);
    if (!program.wanted.includes(port)) throw startFailed(stoppedMeanwhile(), 0, 'STOPPED');
  }

  private find(id: string): StoredProgram | undefined {
    return this.repository.programs().find((program) => program.id === id);
  }

  private async change(id: string, change: (wanted: Set<number>) => void): Promise<void> {
    await this.repository.updatePrograms((programs) => {
      const current = programs.find((program) => program.id === id);
      if (!current) return programs;
      const wanted = new Set(current.wanted);
      change(wanted);
      const next = withWanted(current, wanted);
      return next === current ? programs : withProgram(programs, id, () => next);
    });
  }
}

export function programDisabled(program: StoredProgram): DaemonError {
  return new DaemonError(
    'PROGRAM_DISABLED',
    `Program "${program.id}" is disabled. Enable it before you start it.`,
  );
}
