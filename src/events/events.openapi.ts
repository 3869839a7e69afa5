import { applyDecorators } from '@nestjs/common';
import { ApiExtraModels, ApiHeader, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ErrorResponses } from '../openapi/shared-decorators';
import { ConfigEventDto, CurrentEventDto, GapEventDto, StateEventDto } from './events.dto';

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
    ApiHeader({ name: 'Last-Event-ID', required: false, description: 'Resume after this event.' }),
    ApiExtraModels(StateEventDto, ConfigEventDto, GapEventDto, CurrentEventDto),
    ApiOkResponse({ content: { 'text/event-stream': { schema: { type: 'string' } } } }),
    ErrorResponses('VALIDATION_ERROR', 'LIMIT_REACHED'),
  );
