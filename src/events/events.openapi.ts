import { applyDecorators } from '@nestjs/common';
import {
  ApiExtraModels,
  ApiHeader,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
  getSchemaPath,
} from '@nestjs/swagger';
import { ErrorResponses } from '../openapi/shared-decorators';
import { ConfigEventDto, CurrentEventDto, GapEventDto, StateEventDto } from './events.dto';

const EVENTS = [StateEventDto, ConfigEventDto, GapEventDto, CurrentEventDto];

const EXAMPLES = {
  state: {
    summary: 'state: a program crashed',
    value: {
      program: 'web-server',
      port: 3000,
      from: 'RUNNING',
      to: 'FATAL',
      pid: null,
      exit_status: 1,
      spawn_error: 'Exited with code 1 after 12 s',
      time: '2025-01-15T10:30:00.000Z',
    },
  },
  config: {
    summary: 'config: a program was added',
    value: { program: 'queue-worker', action: 'added', time: '2025-01-15T10:30:00.000Z' },
  },
  gap: {
    summary: 'gap: what came before is forgotten',
    value: { oldest: '1785000000000042', newest: '1785000000010041' },
  },
};

export const DescribeEvents = (): ClassDecorator => applyDecorators(ApiTags('Events'));

export const DescribeStreamEvents = (): MethodDecorator =>
  applyDecorators(
    ApiOperation({
      operationId: 'streamEvents',
      summary: 'Follow all changes of states and configuration',
      description:
        'Server-sent events, in order: `state` (StateEventDto) and `config` (ConfigEventDto), each with a ' +
        'decimal `id` that keeps growing over restarts of the service. `Last-Event-ID` resumes without a gap ' +
        'from the last 10,000. An id that is too old or unknown gets `gap` (GapEventDto), then the states of ' +
        'all instances as `current` (CurrentEventDto), then what happens from there on. A comment every 15 s.',
    }),
    ApiHeader({ name: 'last-event-id', required: false, description: 'Resume after this event.' }),
    ApiExtraModels(...EVENTS),
    ApiOkResponse({
      description: 'A stream of events. The schema is that of their data.',
      content: {
        'text/event-stream': {
          schema: { anyOf: EVENTS.map((event) => ({ $ref: getSchemaPath(event) })) },
          examples: EXAMPLES,
        },
      },
    }),
    ErrorResponses('VALIDATION_ERROR', 'LIMIT_REACHED'),
  );
