import { ApiProperty } from '@nestjs/swagger';
import type { DeliveryOutcome } from './delivery';

export class DeliveryAttemptDto {
  /** When it began; ISO 8601 UTC. */
  time: string;

  @ApiProperty({
    type: 'integer',
    nullable: true,
    description: 'What the receiver answered; null without an answer.',
  })
  status: number | null;

  @ApiProperty({ type: 'string', nullable: true, description: 'Why it is not delivered; null when it is.' })
  error: string | null;

  @ApiProperty({ type: 'integer', description: 'How long it took, in milliseconds.' })
  duration_ms: number;
}

/** One event on its way to one URL. */
export class DeliveryDto {
  /**
   * The `webhook-id` that the receiver sees, the same for every attempt.
   * @example 'msg_0b5ff1c67c1f4cbc8b0ac7a7ecb2a0d4'
   */
  id: string;

  /** Without user and password. */
  url: string;

  /**
   * The state that it tells of, or `test`.
   * @example 'FATAL'
   */
  event: string;

  /** When the event happened; ISO 8601 UTC. */
  time: string;

  attempts: DeliveryAttemptDto[];

  @ApiProperty({
    enum: ['pending', 'delivered', 'failed', 'dropped'],
    enumName: 'DeliveryOutcome',
    description: '`dropped`: too many were waiting, or the service stopped.',
  })
  outcome: DeliveryOutcome;
}

export class WebhookTestResultDto {
  /** The test was made; each delivery says how it went. */
  success: boolean;

  /** @example 'Test event delivered to 1 of 2 URLs' */
  message: string;

  /** One for each URL. */
  deliveries: DeliveryDto[];
}
