import { invalidFields } from '../domain/errors';
import { PROGRAM_DEFAULTS, WEBHOOK_DEFAULTS, type Program, type Webhooks } from '../domain/program';
import type { ProgramFieldsDto, WebhooksEditDto } from './program-fields.dto';

type Identity = Pick<Program, 'id' | 'hoody_kit'>;

/** A whole program: what was not given, or given as null, has its default. */
export function programFromFields(fields: ProgramFieldsDto, { id, hoody_kit }: Identity): Program {
  return {
    id,
    name: fields.name,
    description: fields.description ?? PROGRAM_DEFAULTS.description,
    command: fields.command,
    user: fields.user,
    enabled: fields.enabled ?? PROGRAM_DEFAULTS.enabled,
    hoody_kit,
    port_range: portRangeFrom(fields),
    port_param: fields.port_param ?? PROGRAM_DEFAULTS.port_param,
    directory: fields.directory ?? PROGRAM_DEFAULTS.directory,
    environment: { ...(fields.environment ?? PROGRAM_DEFAULTS.environment) },
    autorestart: fields.autorestart ?? PROGRAM_DEFAULTS.autorestart,
    start_seconds: fields.start_seconds ?? PROGRAM_DEFAULTS.start_seconds,
    start_retries: fields.start_retries ?? PROGRAM_DEFAULTS.start_retries,
    stop_signal: fields.stop_signal ?? PROGRAM_DEFAULTS.stop_signal,
    stop_seconds: fields.stop_seconds ?? PROGRAM_DEFAULTS.stop_seconds,
    priority: fields.priority ?? PROGRAM_DEFAULTS.priority,
    delay_seconds: fields.delay_seconds ?? PROGRAM_DEFAULTS.delay_seconds,
    boot: fields.boot ?? PROGRAM_DEFAULTS.boot,
    logs_enabled: fields.logs_enabled ?? PROGRAM_DEFAULTS.logs_enabled,
    log_max_bytes: fields.log_max_bytes ?? PROGRAM_DEFAULTS.log_max_bytes,
    log_backups: fields.log_backups ?? PROGRAM_DEFAULTS.log_backups,
    webhooks: fields.webhooks ? mergeWebhooks(null, fields.webhooks) : PROGRAM_DEFAULTS.webhooks,
  };
}

export function portRangeFrom({ port_range }: Pick<ProgramFieldsDto, 'port_range'>): Program['port_range'] {
  const { start, end } = port_range ?? PROGRAM_DEFAULTS.port_range;
  return { start, end };
}

/**
 * What was not sent keeps its value, null brings the default back (for `secret`: none).
 * @throws DaemonError VALIDATION_ERROR when there are no URLs yet and none are sent
 */
export function mergeWebhooks(current: Webhooks | null, sent: WebhooksEditDto): Webhooks {
  const urls = sent.urls ?? current?.urls;
  if (!urls) throw invalidFields({ field: 'webhooks.urls', message: 'webhooks.urls is required' });
  const base = current ?? WEBHOOK_DEFAULTS;
  return {
    enabled: kept(sent.enabled, base.enabled, WEBHOOK_DEFAULTS.enabled),
    urls: [...urls],
    events: [...kept(sent.events, base.events, WEBHOOK_DEFAULTS.events)],
    headers: { ...kept(sent.headers, base.headers, WEBHOOK_DEFAULTS.headers) },
    timeout: kept(sent.timeout, base.timeout, WEBHOOK_DEFAULTS.timeout),
    retry: kept(sent.retry, base.retry, WEBHOOK_DEFAULTS.retry),
    secret: kept(sent.secret, base.secret, WEBHOOK_DEFAULTS.secret),
  };
}

function kept<T>(sent: T | null | undefined, current: T, fallback: T): T {
  if (sent === undefined) return current;
  return sent ?? fallback;
}
