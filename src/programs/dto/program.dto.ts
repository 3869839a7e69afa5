import { ApiProperty } from '@nestjs/swagger';
import {
  AUTORESTARTS,
  BOOT_MODES,
  STOP_SIGNALS,
  WEBHOOK_EVENTS,
  type Autorestart,
  type BootMode,
  type Program,
  type StopSignal,
  type WebhookEvent,
} from '../../domain/program';
import { StatsDto } from '../../status/dto/status.dto';
import { publicWebhooks } from '../../webhooks/webhook-config';
import { PortRangeDto } from '../../validation/program-fields.dto';

/** Webhooks as answers show them: never with the secret. */
export class WebhooksDto {
  enabled: boolean;

  /** @example ["https://hooks.example.com/daemon"] */
  urls: string[];

  @ApiProperty({ enum: WEBHOOK_EVENTS, isArray: true, example: ['FATAL'] })
  events: WebhookEvent[];

  headers: Record<string, string>;

  /** Seconds that one delivery may take. */
  @ApiProperty({ type: 'integer' })
  timeout: number;

  /** Further tries after a first failed delivery. */
  @ApiProperty({ type: 'integer' })
  retry: number;

  /** Whether there is a secret; it is never shown. */
  secret_set: boolean;
}

/** A program as it is configured. Durations in seconds, sizes in bytes. */
export class ProgramDto {
  /**
   * Made once from the name.
   * @example "web-server"
   */
  id: string;

  /** @example "Web Server" */
  name: string;

  description: string | null;

  /** @example "node server.js" */
  command: string;

  /** @example "app" */
  user: string;

  enabled: boolean;

  /** Whether it comes from programs.default.json. */
  hoody_kit: boolean;

  /** `{0, 0}`: no port. `start == end`: one process. Else one process per port. */
  port_range: PortRangeDto;

  port_param: string | null;

  directory: string | null;

  /** To callers with the role `read` every value is `***`. */
  environment: Record<string, string>;

  @ApiProperty({ enum: AUTORESTARTS, example: 'unexpected' })
  autorestart: Autorestart;

  @ApiProperty({ type: 'integer', example: 1 })
  start_seconds: number;

  @ApiProperty({ type: 'integer', example: 3 })
  start_retries: number;

  @ApiProperty({ enum: STOP_SIGNALS, example: 'TERM' })
  stop_signal: StopSignal;

  @ApiProperty({ type: 'integer', example: 10 })
  stop_seconds: number;

  @ApiProperty({ type: 'integer', example: 999 })
  priority: number;

  @ApiProperty({ type: 'integer', example: 0 })
  delay_seconds: number;

  @ApiProperty({ enum: BOOT_MODES, example: 'restore' })
  boot: BootMode;

  logs_enabled: boolean;

  @ApiProperty({ type: 'integer', example: 5_242_880 })
  log_max_bytes: number;

  @ApiProperty({ type: 'integer', example: 2 })
  log_backups: number;

  @ApiProperty({ type: () => WebhooksDto, nullable: true })
  webhooks: WebhooksDto | null;
}

export const MASK = '***';

/** A program as answers show it. @param showSecrets false: environment values are masked */
export function programDtoOf(program: Program, showSecrets: boolean): ProgramDto {
  const { id, name, description, command, user, enabled, hoody_kit, port_range, port_param, directory } =
    program;
  const { autorestart, start_seconds, start_retries, stop_signal, stop_seconds, priority } = program;
  const { delay_seconds, boot, logs_enabled, log_max_bytes, log_backups } = program;
  const environment = showSecrets ? program.environment : masked(program.environment);
  const webhooks = publicWebhooks(program.webhooks);
  return {
    ...{
      id,
      name,
      description,
      command,
      user,
      enabled,
      hoody_kit,
      port_range,
      port_param,
      directory,
      environment,
    },
    ...{
      autorestart,
      start_seconds,
      start_retries,
      stop_signal,
      stop_seconds,
      priority,
      delay_seconds,
      boot,
    },
    ...{ logs_enabled, log_max_bytes, log_backups },
    webhooks: webhooks && !showSecrets ? { ...webhooks, headers: masked(webhooks.headers) } : webhooks,
  };
}

function masked(map: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.keys(map).map((key) => [key, MASK]));
}

/** A program with, on request, what it is doing. */
export class ListedProgramDto extends ProgramDto {
  /** The object of `/status/{id}`; only with `include_status` or `include_stats`. */
  @ApiProperty({
    required: false,
    oneOf: [
      { $ref: '#/components/schemas/ProgramStatusDto' },
      { $ref: '#/components/schemas/FleetStatusDto' },
    ],
  })
  status?: object;

  /** Only with `include_stats`; null when it does not run. For several instances they are in `status.instances`. */
  @ApiProperty({ type: () => StatsDto, nullable: true, required: false })
  stats?: StatsDto | null;
}
