import { applyDecorators } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';

export const DescribeMetrics = (): MethodDecorator & ClassDecorator =>
  applyDecorators(
    ApiTags('Metrics'),
    ApiOperation({
      operationId: 'getMetrics',
      summary: 'Metrics for Prometheus',
      description:
        'Programs by instance (up, state, restarts, crashes, start time, cpu, memory), requests by route, ' +
        'event lag, webhooks, streams, and the Node process. In OpenMetrics when the Accept header prefers it.',
    }),
    ApiOkResponse({
      content: {
        'text/plain': { schema: { type: 'string' } },
        'application/openmetrics-text': { schema: { type: 'string' } },
      },
    }),
  );
