import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { SettingsError } from '../settings/settings-error';
import type { Settings } from '../settings/settings';

/** The folder of package.json, from `src` as well as from `dist`. */
const HOME = join(__dirname, '..', '..');

/** The supervisord program to run. @throws SettingsError with what to do when there is none */
export function findSupervisord(settings: Settings): string {
  const candidates = settings.supervisord
    ? [settings.supervisord]
    : [
        join(HOME, '.supervisor-venv', 'bin', 'supervisord'),
        ...settings.searchPath
          .split(delimiter)
          .filter(Boolean)
          .map((folder) => join(folder, 'supervisord')),
      ];
  const found = candidates.find(isExecutable);
  if (found) return found;
  throw new SettingsError(
    settings.supervisord
      ? `DAEMON_SUPERVISORD must be an executable file; ${settings.supervisord} is not.`
      : 'supervisord was not found on the PATH: install it (apt-get install supervisor) or set DAEMON_SUPERVISORD.',
  );
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
