import { applyDecorators } from '@nestjs/common';
import { ApiExtraModels, ApiHeader, ApiOkResponse, ApiOperation, getSchemaPath } from '@nestjs/swagger';
import { ErrorResponses } from '../openapi/shared-decorators';
import { LogGapDto, LogLineDto, LogsDto } from './dto/logs.dto';

const EXAMPLES = {
  worker: {
    summary: 'A worker',
    value: {
      stdout: '[2025-01-15 10:30:00] Processing: job-123\n[2025-01-15 10:30:01] Completed: job-123',
      stderr: '',
    },
  },
  failed: {
    summary: 'A program that did not come up',
    value: {
      stdout: '',
      stderr:
        'Error: listen EADDRINUSE: address already in use 0.0.0.0:3000\n' +
        '    at Server.setupListenHandle [as _listen2] (net.js:1314:16)',
    },
  },
};

const EVENTS = {
  line: { summary: 'stdout: a line', value: { line: 'ready', time: '2025-01-15T10:30:00.000Z' } },
  gap: { summary: 'gap: lines are gone', value: { stream: 'stdout' } },
};

export const DescribeLogs = (summary: string): MethodDecorator =>
  applyDecorators(
    ApiOperation({
      summary,
      description:
        'The last lines, byte for byte, read from the end and through rotated files: it costs the same for a log of ' +
        'any size. With `grep`, `since` or `until` it searches, the newest lines first, in at most 64 MiB and 2 s. ' +
        'A program that never ran has empty logs.',
    }),
    ApiOkResponse({ type: LogsDto, description: 'The lines.', examples: EXAMPLES }),
    ErrorResponses(
      'VALIDATION_ERROR',
      'PORT_REQUIRED',
      'PORT_NOT_IN_RANGE',
      'PROGRAM_NOT_FOUND',
      'CONFIG_INVALID',
    ),
  );

export const DescribeLogStream = (summary: string): MethodDecorator =>
  applyDecorators(
    ApiOperation({
      summary,
      description:
        'Server-sent events named `stdout` and `stderr` with the data `{line, time}`: first the last `lines` (`time` ' +
        'is null), then every line as it comes (`time`: when the service saw it), across rotation and restarts. ' +
        '`Last-Event-ID` goes on exactly after that line; when it is gone, `event: gap` comes first. `event: end` ' +
        'when the program is removed. A comment every 15 s.',
    }),
    ApiHeader({
      name: 'last-event-id',
      required: false,
      description: 'The id of the last event that was received.',
    }),
    ApiExtraModels(LogLineDto, LogGapDto),
    ApiOkResponse({
      description: 'A stream of events. The schema is that of their data.',
      content: {
        'text/event-stream': {
          schema: { anyOf: [{ $ref: getSchemaPath(LogLineDto) }, { $ref: getSchemaPath(LogGapDto) }] },
          examples: EVENTS,
        },
      },
    }),
    ErrorResponses(
      'VALIDATION_ERROR',
      'PORT_REQUIRED',
      'PORT_NOT_IN_RANGE',
      'PROGRAM_NOT_FOUND',
      'LIMIT_REACHED',
      'CONFIG_INVALID',
    ),
  );
