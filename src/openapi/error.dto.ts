import { ApiProperty } from '@nestjs/swagger';
import { STATUS_OF } from '../errors/error-status';

/** One field that was refused. */
export class FieldProblemDto {
  /** @example "start_seconds" */
  field: string;

  /** @example "start_seconds must be an integer from 0 to 300" */
  message: string;
}

/** One instance that did not make it. */
export class FailedInstanceDto {
  @ApiProperty({ type: 'integer', example: 3002 })
  port: number;

  /** @example "Failed to start: port 3002 already in use by pid 812 (node server.js)" */
  error: string;
}

/** Every error has this shape. What stands beside `error` and `code` depends on the code. */
export class ErrorDto {
  @ApiProperty({ type: 'boolean', enum: [false], example: false })
  success: false;

  /** For people: what is wrong and what to do. */
  error: string;

  /** For programs: stable. */
  @ApiProperty({ enum: Object.keys(STATUS_OF), enumName: 'ErrorCode' })
  code: string;

  /** The fields at fault; with VALIDATION_ERROR. */
  @ApiProperty({ type: () => FieldProblemDto, isArray: true, required: false })
  details?: FieldProblemDto[];

  /** With START_FAILED, START_TIMEOUT, STOP_FAILED and STOP_TIMEOUT: the state now. */
  @ApiProperty({ type: 'string', required: false })
  status?: string;

  /** With START_FAILED; 0 when it was plain beforehand that it can't run. */
  @ApiProperty({ type: 'integer', required: false })
  exit_status?: number;

  /** With START_FAILED: the last lines that the program wrote to its standard error. */
  stderr?: string;

  /** With START_FAILED: the cause for programs, `{cause, …}` with the facts of that cause. */
  @ApiProperty({ type: 'object', additionalProperties: true, nullable: true })
  diagnosis?: object | null;

  /** Several instances: those that were started. */
  @ApiProperty({ type: 'integer', isArray: true, required: false })
  started_ports?: number[];

  /** Several instances: those that were restarted before the first failure. */
  @ApiProperty({ type: 'integer', isArray: true, required: false })
  restarted_ports?: number[];

  /** Several instances: those that still run as before. */
  @ApiProperty({ type: 'integer', isArray: true, required: false })
  not_restarted_ports?: number[];

  /** Several instances: those that failed. */
  @ApiProperty({ type: () => FailedInstanceDto, isArray: true, required: false })
  failed?: FailedInstanceDto[];

  /** An edit with restart: whether the version before runs again. */
  @ApiProperty({ required: false })
  rolled_back?: boolean;

  /** With CONFIG_INVALID: the file that can't be used. */
  @ApiProperty({ required: false })
  file?: string;

  /** With CONFIG_INVALID: the field in it. */
  @ApiProperty({ type: 'string', nullable: true, required: false })
  field?: string | null;
}
