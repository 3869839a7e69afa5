import type { PortRange } from './port-range';

/*
 * Programs carry the same field names in memory, on disk and on the wire, so that nothing has to be
 * translated between programs.default.json, programs.json and the API.
 */

export const STOP_SIGNALS = ['TERM', 'HUP', 'INT', 'QUIT', 'KILL', 'USR1', 'USR2'] as const;
export type StopSignal = (typeof STOP_SIGNALS)[number];

export const AUTORESTARTS = ['true', 'false', 'unexpected'] as const;
export type Autorestart = (typeof AUTORESTARTS)[number];

export const BOOT_MODES = ['restore', 'always', 'never'] as const;
/** What happens to a program when supervisord comes up anew. */
export type BootMode = (typeof BOOT_MODES)[number];

export const WEBHOOK_EVENTS = ['STARTING', 'RUNNING', 'STOPPING', 'STOPPED', 'FATAL', 'all'] as const;
export type WebhookEvent = (typeof WEBHOOK_EVENTS)[number];

export interface Webhooks {
  enabled: boolean;
  urls: string[];
  events: WebhookEvent[];
  headers: Record<string, string>;
  /** Seconds that one delivery may take. */
  timeout: number;
  /** Further tries after a first failed delivery. */
  retry: number;
  secret: string | null;
}

/** A program as its owner describes it. Durations in seconds, sizes in bytes. */
export interface Program {
  id: string;
  name: string;
  description: string | null;
  command: string;
  user: string;
  enabled: boolean;
  hoody_kit: boolean;
  port_range: PortRange;
  port_param: string | null;
  directory: string | null;
  environment: Record<string, string>;
  autorestart: Autorestart;
  start_seconds: number;
  start_retries: number;
  stop_signal: StopSignal;
  stop_seconds: number;
  priority: number;
  delay_seconds: number;
  boot: BootMode;
  logs_enabled: boolean;
  log_max_bytes: number;
  log_backups: number;
  webhooks: Webhooks | null;
}

/** A program with what the service must remember about it beyond its description. */
export interface StoredProgram extends Program {
  /** The ports whose instance should run (0 for a program without a port). */
  wanted: number[];
  /** The version to return to when an edit with restart is cut short before its verdict; else null. */
  previous: Program | null;
}

/** A program that is started once and cleaned up when it is stopped. */
export interface EphemeralProgram {
  temporary_id: string;
  name: string | null;
  command: string;
  user: string;
  directory: string | null;
  environment: Record<string, string>;
  port_range: PortRange;
  stop_signal: StopSignal;
  stop_seconds: number;
  log_max_bytes: number;
  /** ISO 8601. */
  created_at: string;
  /** When its time to live is over; ISO 8601, or null. */
  expires_at: string | null;
  /** The start of supervisord that it belongs to; it does not survive another one. */
  epoch: string;
  /** When it ended by itself; ISO 8601, or null while it runs. */
  ended_at: string | null;
}

/** The values of the optional fields that nobody gave. */
export const PROGRAM_DEFAULTS = {
  description: null,
  enabled: true,
  port_range: { start: 0, end: 0 },
  port_param: null,
  directory: null,
  environment: {},
  autorestart: 'unexpected',
  start_seconds: 1,
  start_retries: 3,
  stop_signal: 'TERM',
  stop_seconds: 10,
  priority: 999,
  delay_seconds: 0,
  boot: 'restore',
  logs_enabled: true,
  log_max_bytes: 5_242_880,
  log_backups: 2,
  webhooks: null,
} as const satisfies Partial<Program>;

export const WEBHOOK_DEFAULTS = {
  enabled: true,
  events: ['FATAL'] as WebhookEvent[],
  headers: {},
  timeout: 10,
  retry: 2,
  secret: null,
} satisfies Partial<Webhooks>;
