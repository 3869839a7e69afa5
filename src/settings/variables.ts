import { closestName } from '../validation/closest-name';
import { SettingsError } from './settings-error';

const NAMES = [
  'DAEMON_HOST',
  'DAEMON_PORT',
  'DAEMON_SOCKET',
  'DAEMON_TOKEN',
  'DAEMON_TOKEN_FILE',
  'DAEMON_TOKENS_FILE',
  'DAEMON_ALLOW_UNAUTHENTICATED',
  'DAEMON_ALLOWED_HOSTS',
  'DAEMON_ALLOWED_ORIGINS',
  'DAEMON_STATE_DIR',
  'DAEMON_DEFAULTS_FILE',
  'DAEMON_SUPERVISORD',
  'DAEMON_SUPERVISOR_URL',
  'DAEMON_SUPERVISOR_CONF_DIR',
  'DAEMON_ON_STOP',
  'DAEMON_EPHEMERAL_RETENTION',
  'DAEMON_WEBHOOK_ALLOW_PRIVATE',
  'DAEMON_METRICS_PUBLIC',
  'DAEMON_LOG_LEVEL',
] as const;

export type Variable = (typeof NAMES)[number];

/** The service's variables in an environment. An empty value counts as not set. */
export class Variables {
  constructor(private readonly env: NodeJS.ProcessEnv) {}

  text(name: Variable): string | null {
    return this.env[name] || null;
  }

  flag(name: Variable): boolean {
    const text = this.text(name);
    if (text === null || text === 'false' || text === '0') return false;
    if (text === 'true' || text === '1') return true;
    throw new SettingsError(`${name} must be true or false, not ${shown(text)}.`);
  }

  integer(name: Variable, fallback: number, min: number, max: number): number {
    const text = this.text(name);
    if (text === null) return fallback;
    const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
    if (value >= min && value <= max) return value;
    throw new SettingsError(`${name} must be a whole number from ${min} to ${max}, not ${shown(text)}.`);
  }

  choice<T extends string>(name: Variable, choices: readonly T[], fallback: T): T {
    const text = this.text(name);
    if (text === null) return fallback;
    const choice = choices.find((c) => c === text);
    if (choice) return choice;
    throw new SettingsError(`${name} must be one of ${choices.join(', ')}, not ${shown(text)}.`);
  }

  /** The entries of a comma-separated list. */
  list(name: Variable): string[] {
    return (this.text(name) ?? '')
      .split(',')
      .map((entry) => entry.trim())
      .filter((entry) => entry !== '');
  }

  /** A misspelt DAEMON_TOKEN must not start a service without a token. */
  refuseUnknown(): void {
    const known: readonly string[] = NAMES;
    for (const name of Object.keys(this.env)) {
      if (!name.startsWith('DAEMON_') || !this.env[name] || known.includes(name)) continue;
      const meant = closestName(name, known);
      throw new SettingsError(
        `${name} is not a setting of hoody-daemon${meant ? `; did you mean ${meant}?` : '.'} Unset it or correct its name.`,
      );
    }
  }
}

/** A value as messages quote it: short, on one line. Never for tokens or URLs with passwords. */
export function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}…` : text);
}
