import type { EphemeralProgram, Program, StoredProgram } from '../domain/program';

/** Where a configuration file is wrong. */
export interface ConfigProblem {
  file: string;
  /** Path of the field, e.g. `[2].port_range.start`; null when the file as a whole can't be used. */
  field: string | null;
  message: string;
}

/**
 * The one owner of programs.json, programs.default.json and ephemeral.json. They are read once, when the
 * service starts; from then on memory is the truth and every change is on disk before it counts.
 */
export abstract class ConfigRepository {
  /** What is wrong with programs.json, or null. */
  abstract readonly problem: ConfigProblem | null;

  /** In order of creation. @throws DaemonError CONFIG_INVALID while programs.json can't be used. */
  abstract programs(): readonly StoredProgram[];

  /** @throws DaemonError PROGRAM_NOT_FOUND, CONFIG_INVALID */
  abstract program(id: string): StoredProgram;

  /**
   * Changes the list of programs. `change` gets the current list and answers the next one (or throws, then
   * nothing happens); it may run later than this call and sees every change accepted before it. Changes are
   * applied one after the other, and one write to disk may carry several of them.
   *
   * Resolves when the change is durable; rejects, with memory as before, when it can't be saved.
   * @throws DaemonError CONFIG_INVALID, whatever `change` throws, or INTERNAL_ERROR with the disk's words
   */
  abstract updatePrograms(
    change: (programs: readonly StoredProgram[]) => readonly StoredProgram[],
  ): Promise<void>;

  /** In order of creation. */
  abstract ephemerals(): readonly EphemeralProgram[];

  /** @throws DaemonError PROGRAM_NOT_FOUND */
  abstract ephemeral(temporaryId: string): EphemeralProgram;

  /** As updatePrograms, for ephemeral.json. */
  abstract updateEphemerals(
    change: (programs: readonly EphemeralProgram[]) => readonly EphemeralProgram[],
  ): Promise<void>;

  /** The programs of programs.default.json. */
  abstract defaults(): readonly Program[];

  /**
   * Keeps programs.json as it is (valid or not) as a dated backup and puts `programs` in its place; ends
   * a `problem`. @returns the backup's file name, null when there was no programs.json
   */
  abstract replaceAll(programs: readonly StoredProgram[]): Promise<string | null>;

  /** File names of the backups, newest first. */
  abstract backups(): Promise<string[]>;

  /** The programs in a backup. @throws DaemonError NOT_FOUND, CONFIG_INVALID */
  abstract readBackup(name: string): Promise<StoredProgram[]>;
}
