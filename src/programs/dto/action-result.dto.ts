import { ApiProperty } from '@nestjs/swagger';
import { PUBLIC_STATES, type PublicState } from '../../domain/states';

/** What an action on a program did. */
export class ActionResultDto {
  /** @example true */
  success: true;

  /** @example "Program started" */
  message: string;

  /** The instance that was asked for. */
  @ApiProperty({ type: 'integer', required: false, example: 3001 })
  port?: number;

  @ApiProperty({ enum: PUBLIC_STATES, enumName: 'ProgramState', required: false, example: 'RUNNING' })
  status?: PublicState;

  @ApiProperty({ type: 'integer', nullable: true, required: false, example: 12346 })
  pid?: number | null;

  /** It ran before; nothing was done. */
  @ApiProperty({ required: false })
  already_running?: boolean;

  /** Milliseconds from the request until it accepted connections. Only with `wait_for: "port"`. */
  @ApiProperty({ type: 'integer', required: false, example: 412 })
  ready_after_ms?: number;

  /** The instances that this request started. */
  @ApiProperty({ type: 'integer', isArray: true, required: false, example: [3001, 3002] })
  started_ports?: number[];

  /** The instances that were running and were stopped. */
  @ApiProperty({ type: 'integer', isArray: true, required: false, example: [3001, 3002] })
  stopped_ports?: number[];

  /** The instances that were restarted, or, when the program had one process, its port. */
  @ApiProperty({ type: 'integer', isArray: true, required: false, example: [3001, 3002] })
  restarted_ports?: number[];
}
