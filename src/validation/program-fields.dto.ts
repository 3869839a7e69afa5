import { ApiHideProperty, ApiProperty, OmitType, PartialType } from '@nestjs/swagger';
import { Exclude, Transform, Type } from 'class-transformer';
import { ValidateNested } from 'class-validator';
import {
  AUTORESTARTS,
  BOOT_MODES,
  PROGRAM_DEFAULTS,
  STOP_SIGNALS,
  WEBHOOK_DEFAULTS,
  WEBHOOK_EVENTS,
} from '../domain/program';
import type { Autorestart, BootMode, StopSignal, WebhookEvent } from '../domain/program';
import { IsListOf, IsWebhookUrlList } from './list-rules';
import { IsEnvironment, IsHeaderMap } from './map-rules';
import { IsAbsolutePath, IsText } from './text-rules';
import { IsFlag, IsInteger, IsJsonObject, IsOneOf, Optional, ReadOnlyField } from './value-rules';
import { IsWebhookSecret } from './webhook-secret-rule';

/** The ports of a program's instances, first and last. `{0, 0}`: no port. */
export class PortRangeDto {
  /**
   * The first port, 1 to 65535; 0 for none.
   * @example 3000
   */
  // The bounds are checked with the rules of INVALID_PORT_RANGE, so here only the type.
  @ApiProperty({ minimum: 0, maximum: 65535 })
  @IsInteger(Number.MIN_SAFE_INTEGER)
  start: number;

  /**
   * The last port; the same as `start` for a program with one process. At most 1000 ports in all.
   * @example 3009
   */
  @ApiProperty({ minimum: 0, maximum: 65535 })
  @IsInteger(Number.MIN_SAFE_INTEGER)
  end: number;
}

/** Where state changes of a program are posted to, in the Standard Webhooks format. */
export class WebhooksInputDto {
  /** false: nothing is sent. */
  @IsFlag()
  @Optional(WEBHOOK_DEFAULTS.enabled)
  enabled?: boolean | null;

  /**
   * http or https, without credentials. Addresses in private networks are refused unless the operator allows them.
   * @example ["https://hooks.example.com/daemon"]
   */
  @IsWebhookUrlList(10)
  urls: string[];

  /**
   * The states whose entry is reported; `all` for every one.
   * @example ["FATAL", "STOPPED"]
   */
  @IsListOf(WEBHOOK_EVENTS, 6)
  @Optional(WEBHOOK_DEFAULTS.events)
  events?: WebhookEvent[] | null;

  /**
   * Further headers of the request, at most 20.
   * @example {"Authorization": "Bearer abc"}
   */
  @IsHeaderMap()
  @Optional(WEBHOOK_DEFAULTS.headers)
  headers?: Record<string, string> | null;

  /** Seconds that one delivery may take. */
  @IsInteger(1, 60)
  @Optional(WEBHOOK_DEFAULTS.timeout)
  timeout?: number | null;

  /** Further tries after a first failed delivery. */
  @IsInteger(0, 5)
  @Optional(WEBHOOK_DEFAULTS.retry)
  retry?: number | null;

  /**
   * Signs the requests: base64 after `whsec_`, or any other text of 1 to 512 characters, used as it is.
   * No answer ever returns it; null removes it.
   * @example "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
   */
  @IsWebhookSecret()
  @Optional()
  secret?: string | null;

  /** Whether there is a secret. Ignored when sent. */
  @ReadOnlyField()
  secret_set?: boolean;
}

/** What is not sent keeps its value. */
export class WebhooksEditDto extends PartialType(WebhooksInputDto, { skipNullProperties: false }) {}

/** Every field of a program that its owner can set. `null` for an optional one means its default. */
export class ProgramFieldsDto {
  /**
   * Display name. The id is made from it.
   * @example "Web Server"
   */
  @IsText(1, 128)
  name: string;

  /** @example "Front end of the shop" */
  @IsText(0, 500)
  @Optional()
  description?: string | null;

  /**
   * A POSIX shell command line. `{{PORT}}` becomes the port of the instance.
   * @example "node server.js --port={{PORT}}"
   */
  @IsText(1, 65_536)
  command: string;

  /**
   * The system user that it runs as.
   * @example "app"
   */
  @IsText(1, 256)
  user: string;

  /** A disabled program is not known to supervisord and can't start; it keeps its name and ports. */
  @IsFlag()
  @Optional(PROGRAM_DEFAULTS.enabled)
  enabled?: boolean | null;

  /** One process per port. Absent or `{0, 0}`: one process, no port. */
  @IsJsonObject()
  @ValidateNested()
  @Type(() => PortRangeDto)
  @ApiProperty({ type: () => PortRangeDto })
  @Optional()
  port_range?: PortRangeDto | null;

  /**
   * When set, ` <port_param> <port>` is appended to the command. Needs a port range.
   * @example "--port"
   */
  @IsText(0, 1024)
  @Optional()
  port_param?: string | null;

  /**
   * Working directory; null: the home of the user. Must exist when the program starts.
   * @example "/srv/shop"
   */
  @IsAbsolutePath()
  @Optional()
  directory?: string | null;

  /**
   * Environment variables, values of up to 100,000 bytes each. `{{PORT}}` becomes the port of the instance.
   * @example {"NODE_ENV": "production"}
   */
  @IsEnvironment()
  @Optional(PROGRAM_DEFAULTS.environment)
  environment?: Record<string, string> | null;

  /** Whether it is started again when it ends: always, never, or after an exit status other than 0. */
  @Transform(({ value }: { value: unknown }) => (typeof value === 'boolean' ? String(value) : value))
  @IsOneOf(AUTORESTARTS)
  @Optional(PROGRAM_DEFAULTS.autorestart)
  autorestart?: Autorestart | null;

  /** Seconds that it must stay up to count as RUNNING. */
  @IsInteger(0, 300)
  @Optional(PROGRAM_DEFAULTS.start_seconds)
  start_seconds?: number | null;

  /** Further attempts of automatic starts: at boot, after a crash, and with `wait: false`. */
  @IsInteger(0, 100)
  @Optional(PROGRAM_DEFAULTS.start_retries)
  start_retries?: number | null;

  /** Sent to the whole process group to stop it. */
  @IsOneOf(STOP_SIGNALS)
  @Optional(PROGRAM_DEFAULTS.stop_signal)
  stop_signal?: StopSignal | null;

  /** Seconds from the stop signal to SIGKILL. */
  @IsInteger(0, 300)
  @Optional(PROGRAM_DEFAULTS.stop_seconds)
  stop_seconds?: number | null;

  /** At boot lower starts first, and stops last. */
  @IsInteger(1, 999)
  @Optional(PROGRAM_DEFAULTS.priority)
  priority?: number | null;

  /** Seconds to wait before the start at boot. */
  @IsInteger(0, 3600)
  @Optional(PROGRAM_DEFAULTS.delay_seconds)
  delay_seconds?: number | null;

  /** At boot: start what ran before, always, or never. */
  @IsOneOf(BOOT_MODES)
  @Optional(PROGRAM_DEFAULTS.boot)
  boot?: BootMode | null;

  /** false: no output is kept. */
  @IsFlag()
  @Optional(PROGRAM_DEFAULTS.logs_enabled)
  logs_enabled?: boolean | null;

  /** Bytes after which a log file is rotated; 0: never. */
  @IsInteger(0)
  @Optional(PROGRAM_DEFAULTS.log_max_bytes)
  log_max_bytes?: number | null;

  /** Rotated log files that are kept. */
  @IsInteger(0, 100)
  @Optional(PROGRAM_DEFAULTS.log_backups)
  log_backups?: number | null;

  /** Who is told about its state changes. */
  @IsJsonObject()
  @ValidateNested()
  @Type(() => WebhooksInputDto)
  @ApiProperty({ type: () => WebhooksInputDto })
  @Optional()
  webhooks?: WebhooksInputDto | null;

  /** Made once from the name. Ignored when sent. */
  @ReadOnlyField()
  id?: string;

  /** Whether the program comes from programs.default.json. Ignored when sent. */
  @ReadOnlyField()
  hoody_kit?: boolean;

  @Exclude({ toClassOnly: true })
  @ApiHideProperty()
  status?: unknown;

  @Exclude({ toClassOnly: true })
  @ApiHideProperty()
  stats?: unknown;
}

/** What is not sent keeps its value; `environment` and `port_range` are replaced whole, `webhooks` is merged. */
export class ProgramEditFieldsDto extends PartialType(OmitType(ProgramFieldsDto, ['webhooks']), {
  skipNullProperties: false,
}) {
  /** Who is told about its state changes. Merged with what is there; null removes all of it. */
  @IsJsonObject()
  @ValidateNested()
  @Type(() => WebhooksEditDto)
  @ApiProperty({ type: () => WebhooksEditDto })
  @Optional()
  webhooks?: WebhooksEditDto | null;
}
