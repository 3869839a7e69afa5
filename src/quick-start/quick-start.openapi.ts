import { applyDecorators } from '@nestjs/common';
import { ApiBody, ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { DescribeLogs, DescribeLogStream } from '../logs/logs.openapi';
import { ErrorResponses, NoOptions, TemporaryIdParam } from '../openapi/shared-decorators';
import {
  EphemeralProgramDto,
  EphemeralStatusDto,
  EphemeralStoppedDto,
  QuickStartDto,
  QuickStartedDto,
} from './dto/quick-start.dto';
import * as examples from './quick-start.examples';

export const DescribeQuickStarts = (): ClassDecorator => ApiTags('Quick start');

export const DescribeQuickStart = (): MethodDecorator =>
  applyDecorators(
    ApiOperation({
      summary: 'Run a command once',
      description:
        'It counts as RUNNING as soon as it is spawned, is never started again, and cleans up when it is stopped, when ' +
        'its `ttl` is over, or some time after its end (`DAEMON_EPHEMERAL_RETENTION`). With `wait_for_exit` one call ' +
        'runs a command and brings its result. What can not be started at all is `START_FAILED` and leaves nothing.',
    }),
    ApiBody({
      type: QuickStartDto,
      examples: examples.START,
    }),
    ApiCreatedResponse({
      type: QuickStartedDto,
      description: 'It was started; with `wait_for_exit` its result.',
      examples: examples.STARTED,
    }),
    ErrorResponses(
      'VALIDATION_ERROR',
      'INVALID_PORT_RANGE',
      'USER_NOT_FOUND',
      'USER_NOT_ALLOWED',
      'START_FAILED',
      'IDEMPOTENCY_MISMATCH',
      'LIMIT_REACHED',
      'SUPERVISORD_ERROR',
      'START_TIMEOUT',
    ),
  );

export const DescribeListEphemeral = (): MethodDecorator =>
  applyDecorators(
    ApiOperation({
      summary: 'List ephemeral programs',
      description: 'Those that have ended by themselves stay, with their logs, `pending_cleanup: true`.',
    }),
    ApiOkResponse({
      type: EphemeralProgramDto,
      isArray: true,
      description: 'The ephemeral programs.',
      example: [examples.STATUS],
    }),
    ErrorResponses('VALIDATION_ERROR'),
  );

export const DescribeGetEphemeralStatus = (): MethodDecorator =>
  applyDecorators(
    ApiOperation({
      summary: 'What an ephemeral program is doing',
      description: 'Also of one that has ended, with its exit status, as long as it is listed.',
    }),
    TemporaryIdParam(),
    ApiOkResponse({ type: EphemeralStatusDto, description: 'Its state.', example: examples.STATUS }),
    ErrorResponses('VALIDATION_ERROR', 'PROGRAM_NOT_FOUND'),
  );

export const DescribeGetEphemeralLogs = (): MethodDecorator =>
  applyDecorators(DescribeLogs('Read the logs of an ephemeral program'), TemporaryIdParam());

export const DescribeStreamEphemeralLogs = (): MethodDecorator =>
  applyDecorators(DescribeLogStream('Follow the logs of an ephemeral program'), TemporaryIdParam());

export const DescribeStopEphemeral = (): MethodDecorator =>
  applyDecorators(
    ApiOperation({
      summary: 'Stop and clean up an ephemeral program',
      description: 'Its logs go, too. Cleans up one that has ended by itself.',
    }),
    TemporaryIdParam(),
    NoOptions(),
    ApiOkResponse({ type: EphemeralStoppedDto, description: 'What was done.', example: examples.STOPPED }),
    ErrorResponses('VALIDATION_ERROR', 'PROGRAM_NOT_FOUND', 'STOP_FAILED', 'SUPERVISORD_ERROR'),
  );
