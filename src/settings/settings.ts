export type OnStop = 'keep' | 'shutdown';
export type Role = 'read' | 'admin';
export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Who holds this bearer token, and what it allows. */
export interface AccessToken {
  name: string;
  role: Role;
  token: string;
}

/** A supervisord that somebody else runs. */
export interface AttachedSupervisor {
  /** `unix:///path` or `http://user:pass@host:port`. */
  url: string;
  /** The folder that its `[include]` reads (`*.conf`). */
  confDir: string;
}

/** All settings of the service, parsed once from the environment. Frozen. */
export interface Settings {
  host: string;
  port: number;
  /** Listen on this unix socket instead of host and port. */
  socket: string | null;
  /** Empty: no authentication. */
  tokens: readonly AccessToken[];
  allowUnauthenticated: boolean;
  /** Lower case, without port; "*.example.com" and "*" are patterns. */
  allowedHosts: readonly string[];
  allowedOrigins: readonly string[];
  stateDir: string;
  defaultsFile: string;
  /** The supervisord program; null: looked up. */
  supervisord: string | null;
  /** The PATH on which it is looked up. */
  searchPath: string;
  /** null: an embedded supervisord of our own. */
  attached: AttachedSupervisor | null;
  onStop: OnStop;
  /** Seconds that an ended ephemeral program stays listed. */
  ephemeralRetention: number;
  webhookAllowPrivate: boolean;
  metricsPublic: boolean;
  logLevel: LogLevel;
}

/** Injection token of the one frozen Settings object. */
export const SETTINGS = Symbol('Settings');
