import { applyDecorators } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiServiceUnavailableResponse, ApiTags } from '@nestjs/swagger';
import { Open } from '../openapi/shared-decorators';
import { HealthDto, LiveDto } from './dto/health.dto';

const HEALTHY = {
  status: 'healthy',
  service: 'hoody-daemon',
  version: '1.0.0',
  timestamp: '2025-01-15T10:30:00Z',
  uptime: 86_400,
  checks: { supervisord: 'connected', config: 'valid' },
  mirror: 'bridge',
};

const UNHEALTHY = {
  ...HEALTHY,
  status: 'unhealthy',
  checks: { supervisord: 'disconnected', config: 'valid' },
  problems: ['supervisord cannot be reached: connect ECONNREFUSED 127.0.0.1:9001'],
};

export const DescribeHealth = (): ClassDecorator => ApiTags('Health');

export const DescribeGetHealth = (): MethodDecorator =>
  applyDecorators(
    Open(),
    ApiOperation({
      summary: 'Whether the service can do its work',
      description:
        'Needs no token. 503 when supervisord can not be reached or a configuration file can not be used.',
    }),
    ApiOkResponse({ type: HealthDto, description: 'Healthy.', example: HEALTHY }),
    ApiServiceUnavailableResponse({
      type: HealthDto,
      description: 'Unhealthy; `problems` says why.',
      example: UNHEALTHY,
    }),
  );

export const DescribeGetLiveness = (): MethodDecorator =>
  applyDecorators(
    Open(),
    ApiOperation({ summary: 'Whether the process answers', description: 'Needs no token.' }),
    ApiOkResponse({ type: LiveDto, description: 'It answers.', example: { status: 'alive' } }),
  );
