import { homedir } from 'node:os';
import { isAbsolute, join, parse, resolve } from 'node:path';
import { accessTokens } from './access-tokens';
import { allowedHosts, allowedOrigins } from './allow-lists';
import { deepFreeze } from './deep-freeze';
import { listenSettings, refuseOpenAccess } from './listen-settings';
import { LOG_LEVELS, type Settings } from './settings';
import { SettingsError } from './settings-error';
import { attachedSupervisor } from './supervisor-settings';
import { shown, Variables } from './variables';

/** A year. */
const MAX_RETENTION_SECONDS = 31_536_000;

/** @throws SettingsError, one line that names the variable and says what it takes */
export function parseSettings(
  env: NodeJS.ProcessEnv,
  uid: number | undefined = process.getuid?.(),
): Settings {
  const variables = new Variables(env);
  variables.refuseUnknown();
  const settings: Settings = {
    ...listenSettings(variables),
    tokens: accessTokens(variables),
    allowUnauthenticated: variables.flag('DAEMON_ALLOW_UNAUTHENTICATED'),
    allowedHosts: allowedHosts(variables),
    allowedOrigins: allowedOrigins(variables),
    stateDir: stateDir(variables, env, uid),
    defaultsFile: resolve(variables.text('DAEMON_DEFAULTS_FILE') ?? shippedDefaults()),
    supervisord: program(variables.text('DAEMON_SUPERVISORD')),
    searchPath: env['PATH'] ?? '',
    attached: attachedSupervisor(variables),
    onStop: variables.choice('DAEMON_ON_STOP', ['keep', 'shutdown'], 'keep'),
    ephemeralRetention: variables.integer('DAEMON_EPHEMERAL_RETENTION', 3600, 0, MAX_RETENTION_SECONDS),
    webhookAllowPrivate: variables.flag('DAEMON_WEBHOOK_ALLOW_PRIVATE'),
    metricsPublic: variables.flag('DAEMON_METRICS_PUBLIC'),
    logLevel: variables.choice('DAEMON_LOG_LEVEL', LOG_LEVELS, 'info'),
  };
  refuseOpenAccess(settings);
  return deepFreeze(settings);
}

function stateDir(variables: Variables, env: NodeJS.ProcessEnv, uid: number | undefined): string {
  const given = variables.text('DAEMON_STATE_DIR');
  if (given === null) return defaultStateDir(env, uid);
  const path = resolve(given);
  // The service sets the mode of this folder; on "/" that would lock everybody out.
  if (path === parse(path).root)
    throw new SettingsError(`DAEMON_STATE_DIR must be a folder of its own, not ${shown(given)}.`);
  // The path stands in supervisord's INI files, which can't carry every text.
  if (!/^[A-Za-z0-9_./+@=,:-]+$/.test(path))
    throw new SettingsError(
      `DAEMON_STATE_DIR must be a path of letters, digits and the signs _ . / + @ = , : - only, not ${shown(given)}.`,
    );
  return path;
}

function defaultStateDir(env: NodeJS.ProcessEnv, uid: number | undefined): string {
  if (uid === 0) return '/var/lib/hoody-daemon';
  const xdg = env.XDG_STATE_HOME;
  // The XDG specification: a relative path is to be ignored.
  if (xdg && isAbsolute(xdg)) return join(xdg, 'hoody-daemon');
  return join(env.HOME || homedir(), '.local', 'state', 'hoody-daemon');
}

/** Beside the compiled code and beside the sources alike. */
function shippedDefaults(): string {
  return join(__dirname, '..', 'config-store', 'programs.default.json');
}

/** A bare name is left to the PATH. */
function program(text: string | null): string | null {
  return text?.includes('/') ? resolve(text) : text;
}
