import { applyDecorators } from '@nestjs/common';
import { ApiHeader, ApiOkResponse, ApiOperation } from '@nestjs/swagger';
import { ErrorResponses } from '../openapi/shared-decorators';
import { LogsDto } from './dto/logs.dto';

export const DescribeLogs = (summary: string): MethodDecorator =>
  applyDecorators(
    ApiOperation({
      summary,
      description:
        'The last lines, byte for byte, read from the end and through rotated files: it costs the same for a log of ' +
        'any size. With `grep`, `since` or `until` it searches, the newest lines first, in at most 64 MiB and 2 s. ' +
        'A program that never ran has empty logs.',
    }),
    ApiOkResponse({ type: LogsDto }),
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
    ApiOkResponse({
      description: 'A stream of events.',
      content: {
        'text/event-stream': {
          schema: { type: 'string' },
          example:
            'event: stdout\nid: o:12.1-57,e:13.1-0\ndata: {"line":"ready","time":"2025-01-15T10:30:00.000Z"}\n\n',
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
