import { applyDecorators } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiServiceUnavailableResponse, ApiTags } from '@nestjs/swagger';
import { Open } from '../openapi/shared-decorators';
import { HealthDto, LiveDto } from './dto/health.dto';

export const DescribeHealth = (): ClassDecorator => ApiTags('Health');

export const DescribeGetHealth = (): MethodDecorator =>
  applyDecorators(
    Open(),
    ApiOperation({
      summary: 'Whether the service can do its work',
      description:
        'Needs no token. 503 when supervisord can not be reached or a configuration file can not be used.',
    }),
    ApiOkResponse({ type: HealthDto }),
    ApiServiceUnavailableResponse({ type: HealthDto, description: 'Unhealthy; `problems` says why.' }),
  );

export const DescribeGetLiveness = (): MethodDecorator =>
  applyDecorators(
    Open(),
    ApiOperation({ summary: 'Whether the process answers', description: 'Needs no token.' }),
    ApiOkResponse({ type: LiveDto }),
  );
