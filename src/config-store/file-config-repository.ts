import { chmod, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DaemonError } from '../domain/errors';
import type { EphemeralProgram, Program, StoredProgram } from '../domain/program';
import { deepFreeze } from '../settings/deep-freeze';
import { ContentError } from '../validation/content-error';
import { parseEphemerals } from '../validation/parse-ephemeral';
import { parseDefaultPrograms, parseStoredPrograms } from '../validation/parse-program';
import { removeTemporaryFiles, writeFileAtomically } from './atomic-file';
import { backupPath, backUpPrograms, dropOldBackups, listBackups, timeForFileName } from './backup-files';
import { ConfigRepository, type ConfigProblem } from './config-repository';
import { cannotSave, diskWords } from './disk-error';
import { readJsonFile } from './read-json-file';
import { SavedList } from './saved-list';
import type { StatePaths } from './state-paths';
import { SettingsError } from '../settings/settings-error';

/** What is on disk when the service starts. */
interface Loaded {
  defaults: readonly Program[];
  /** null: there is no programs.json yet. */
  programs: readonly StoredProgram[] | null;
  problem: ConfigProblem | null;
  ephemerals: readonly EphemeralProgram[];
  warnings: readonly string[];
}

/** The configuration as JSON files in the state directory, which must be prepared and locked before. */
export class FileConfigRepository extends ConfigRepository {
  /** What a person should know about the files, found at the start. */
  readonly warnings: readonly string[];
  private currentProblem: ConfigProblem | null;
  private readonly defaultPrograms: readonly Program[];
  private readonly programList: SavedList<StoredProgram>;
  private readonly ephemeralList: SavedList<EphemeralProgram>;

  private constructor(
    private readonly paths: StatePaths,
    loaded: Loaded,
  ) {
    super();
    this.warnings = loaded.warnings;
    this.currentProblem = loaded.problem;
    this.defaultPrograms = deepFreeze(loaded.defaults);
    this.programList = new SavedList(loaded.programs ?? [], (list) => save(paths.programs, list));
    this.ephemeralList = new SavedList(loaded.ephemerals, (list) => save(paths.ephemeral, list));
  }

  /** @throws Error, one line, when the defaults can't be used or a first programs.json can't be written */
  static async open(paths: StatePaths, defaultsFile: string): Promise<FileConfigRepository> {
    await removeTemporaryFiles(paths.root);
    const loaded = await load(paths, defaultsFile);
    const repository = new FileConfigRepository(paths, loaded);
    if (loaded.programs === null && loaded.problem === null)
      await repository.replaceAll(
        loaded.defaults.map((program) => ({ ...program, wanted: [], previous: null })),
      );
    return repository;
  }

  get problem(): ConfigProblem | null {
    return this.currentProblem;
  }

  programs(): readonly StoredProgram[] {
    if (this.currentProblem) throw configInvalid(this.currentProblem);
    return this.programList.current;
  }

  program(id: string): StoredProgram {
    const program = this.programs().find((p) => p.id === id);
    if (!program) throw new DaemonError('PROGRAM_NOT_FOUND', `There is no program "${id}".`);
    return program;
  }

  updatePrograms(change: (programs: readonly StoredProgram[]) => readonly StoredProgram[]): Promise<void> {
    return this.programList.update((programs) => {
      if (this.currentProblem) throw configInvalid(this.currentProblem);
      return change(programs);
    });
  }

  ephemerals(): readonly EphemeralProgram[] {
    return this.ephemeralList.current;
  }

  ephemeral(temporaryId: string): EphemeralProgram {
    const program = this.ephemeralList.current.find((p) => p.temporary_id === temporaryId);
    if (!program)
      throw new DaemonError('PROGRAM_NOT_FOUND', `There is no ephemeral program "${temporaryId}".`);
    return program;
  }

  updateEphemerals(
    change: (programs: readonly EphemeralProgram[]) => readonly EphemeralProgram[],
  ): Promise<void> {
    return this.ephemeralList.update(change);
  }

  defaults(): readonly Program[] {
    return this.defaultPrograms;
  }

  async replaceAll(programs: readonly StoredProgram[]): Promise<string | null> {
    const backup = await this.programList.replace(
      programs,
      () => backUpPrograms(this.paths),
      async (made) => made?.undo(),
    );
    this.currentProblem = null;
    // An old backup too many is no reason to call the replacement a failure.
    await dropOldBackups(this.paths, backup?.name ?? null).catch(() => undefined);
    return backup?.name ?? null;
  }

  backups(): Promise<string[]> {
    return listBackups(this.paths);
  }

  async readBackup(name: string): Promise<StoredProgram[]> {
    const path = backupPath(this.paths, name);
    const { content, problem } = path
      ? await readList(path, parseStoredPrograms)
      : { content: undefined, problem: null };
    if (problem) throw new DaemonError('CONFIG_INVALID', unusable(problem), fileAndField(problem));
    if (!content) throw new DaemonError('NOT_FOUND', 'There is no backup of this name.');
    return content;
  }

  /** Resolves when every change asked for so far is saved or refused. */
  async settled(): Promise<void> {
    await Promise.all([this.programList.settled(), this.ephemeralList.settled()]);
  }
}

async function load(paths: StatePaths, defaultsFile: string): Promise<Loaded> {
  await makePrivate(paths);
  const warnings: string[] = [];
  const defaults = await loadDefaults(defaultsFile);
  const { content: programs = null, problem } = await readList(paths.programs, parseStoredPrograms);
  const ephemeral = await readList(paths.ephemeral, parseEphemerals);
  if (ephemeral.problem) warnings.push(await moveAside(ephemeral.problem));
  return { defaults, programs, problem, ephemerals: ephemeral.content ?? [], warnings };
}

/** Programs may hold secrets, and somebody may have put a file there with an editor or with cp. */
async function makePrivate(paths: StatePaths): Promise<void> {
  const files = [
    paths.programs,
    paths.ephemeral,
    ...(await listBackups(paths)).map((name) => join(paths.root, name)),
  ];
  await Promise.all(
    files.map(async (file) => {
      const found = await stat(file).catch(() => null);
      if (found && (found.mode & 0o077) !== 0) await chmod(file, found.mode & 0o700);
    }),
  );
}

async function loadDefaults(file: string): Promise<Program[]> {
  const { content, problem } = await readList(file, parseDefaultPrograms);
  if (content) return content;
  const message = problem?.message ?? 'there is no such file';
  throw new SettingsError(
    `The defaults ${file} cannot be used: ${message}. Correct the file, or set DAEMON_DEFAULTS_FILE to another one.`,
  );
}

/** Without content and problem: there is no such file. */
async function readList<T>(
  file: string,
  parse: (json: unknown) => T,
): Promise<{ content?: T; problem: ConfigProblem | null }> {
  try {
    const json = await readJsonFile(file);
    return json === undefined ? { problem: null } : { content: parse(json), problem: null };
  } catch (error) {
    const field = error instanceof ContentError ? error.field : null;
    return { problem: { file, field, message: (error as Error).message } };
  }
}

async function moveAside(problem: ConfigProblem): Promise<string> {
  const aside = `${problem.file}.invalid-${timeForFileName(new Date())}`;
  try {
    await rename(problem.file, aside);
    return `${unusable(problem)} It was moved to ${aside}; ephemeral programs start with an empty list.`;
  } catch (error) {
    return `${unusable(problem)} It could not be moved aside either: ${diskWords(error)}.`;
  }
}

async function save(file: string, list: readonly object[]): Promise<void> {
  try {
    await writeFileAtomically(file, `${JSON.stringify(list, null, 2)}\n`);
  } catch (error) {
    throw cannotSave(file, error);
  }
}

function configInvalid(problem: ConfigProblem): DaemonError {
  return new DaemonError(
    'CONFIG_INVALID',
    `${unusable(problem)} Correct it and restart the service, or reset the programs, which keeps it as a backup.`,
    fileAndField(problem),
  );
}

function unusable({ file, message }: ConfigProblem): string {
  return `${file} cannot be used: ${message}.`;
}

function fileAndField({ file, field }: ConfigProblem): { file: string; field: string | null } {
  return { file, field };
}
