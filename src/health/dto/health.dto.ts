import { ApiProperty } from '@nestjs/swagger';

/** What the service depends on. */
export class HealthChecksDto {
  @ApiProperty({ enum: ['connected', 'disconnected'], example: 'connected' })
  supervisord: 'connected' | 'disconnected';

  /** `invalid`: a configuration file can't be used. */
  @ApiProperty({ enum: ['valid', 'invalid'], example: 'valid' })
  config: 'valid' | 'invalid';
}

export class HealthDto {
  @ApiProperty({ enum: ['healthy', 'unhealthy'], example: 'healthy' })
  status: 'healthy' | 'unhealthy';

  /** @example "hoody-daemon" */
  service: string;

  /** @example "1.0.0" */
  version: string;

  /**
   * Now; ISO 8601 UTC.
   * @example "2025-01-15T10:30:00Z"
   */
  timestamp: string;

  @ApiProperty({ type: 'integer', example: 86_400, description: 'Seconds since the service was started.' })
  uptime: number;

  checks: HealthChecksDto;

  /** How states are learnt: pushed by the bridge plugin, or by polling. */
  @ApiProperty({ enum: ['bridge', 'polling'], example: 'bridge' })
  mirror: 'bridge' | 'polling';

  /** What is wrong, in words; absent when all is well. */
  problems?: string[];
}

export class LiveDto {
  /** @example "alive" */
  status: 'alive';
}
