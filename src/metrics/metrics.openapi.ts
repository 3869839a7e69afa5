import { applyDecorators } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';

const EXAMPLE = `# HELP hoody_program_up Whether the instance is RUNNING.
# TYPE hoody_program_up gauge
hoody_program_up{program="web-server",port="3000"} 1
`;

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
      description: 'The metrics.',
      content: {
        'text/plain': { schema: { type: 'string' }, example: EXAMPLE },
        'application/openmetrics-text': { schema: { type: 'string' }, example: `${EXAMPLE}# EOF\n` },
      },
    }),
  );
