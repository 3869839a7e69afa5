import { Global, Inject, Logger, Module, type OnApplicationShutdown } from '@nestjs/common';
import { SETTINGS, type Settings } from '../settings/settings';
import { ConfigRepository } from './config-repository';
import { FileConfigRepository } from './file-config-repository';
import { prepareStateDirectory } from './state-directory';
import { lockStateDirectory, type StateLock } from './state-lock';
import { StatePaths } from './state-paths';

const STATE_LOCK = Symbol('StateLock');
const logger = new Logger('ConfigStore');

/** The state directory, ours alone from here on, and what is in its configuration files. */
@Global()
@Module({
  providers: [
    {
      provide: StatePaths,
      inject: [SETTINGS],
      useFactory: (settings: Settings) => new StatePaths(settings.stateDir),
    },
    {
      provide: STATE_LOCK,
      inject: [StatePaths],
      useFactory: async (paths: StatePaths): Promise<StateLock> => {
        const warnings = await prepareStateDirectory(paths);
        warnings.forEach((warning) => logger.warn(warning));
        return lockStateDirectory(paths);
      },
    },
    {
      provide: ConfigRepository,
      // The lock comes first: only the folder's one owner may touch its files.
      inject: [StatePaths, SETTINGS, STATE_LOCK],
      useFactory: (paths: StatePaths, settings: Settings, lock: StateLock) => open(paths, settings, lock),
    },
  ],
  exports: [ConfigRepository, StatePaths],
})
export class ConfigStoreModule implements OnApplicationShutdown {
  constructor(
    private readonly repository: ConfigRepository,
    @Inject(STATE_LOCK) private readonly lock: StateLock,
  ) {}

  async onApplicationShutdown(): Promise<void> {
    if (this.repository instanceof FileConfigRepository) await this.repository.settled();
    this.lock.release();
  }
}

async function open(paths: StatePaths, settings: Settings, lock: StateLock): Promise<ConfigRepository> {
  try {
    const repository = await FileConfigRepository.open(paths, settings.defaultsFile);
    repository.warnings.forEach((warning) => logger.warn(warning));
    if (repository.problem)
      logger.error(`${repository.problem.file} cannot be used: ${repository.problem.message}`);
    return repository;
  } catch (error) {
    lock.release();
    throw error;
  }
}
