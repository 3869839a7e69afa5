import { applyDecorators } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ErrorResponses, ProgramIdParam } from '../openapi/shared-decorators';
import { DeliveryDto, WebhookTestResultDto } from './webhooks.dto';

export const DescribeWebhooks = (): ClassDecorator => applyDecorators(ApiTags('Webhooks'));

export const DescribeListDeliveries = (): MethodDecorator =>
  applyDecorators(
    ApiOperation({
      operationId: 'listWebhookDeliveries',
      summary: 'What was sent to the webhooks of a program',
      description: 'The last 50 deliveries since the service started, newest first, with every attempt.',
    }),
    ProgramIdParam(),
    ApiOkResponse({ type: DeliveryDto, isArray: true }),
    ErrorResponses('PROGRAM_NOT_FOUND', 'CONFIG_INVALID'),
  );

export const DescribeTestWebhooks = (): MethodDecorator =>
  applyDecorators(
    ApiOperation({
      operationId: 'testWebhooks',
      summary: 'Send a test event to the webhooks of a program',
      description:
        'Sends an event of type `program.test` to every URL, once, signed as any other, and answers how that ' +
        'went. `VALIDATION_ERROR` for a program without webhooks.',
    }),
    ProgramIdParam(),
    ApiOkResponse({ type: WebhookTestResultDto }),
    ErrorResponses('VALIDATION_ERROR', 'PROGRAM_NOT_FOUND', 'CONFIG_INVALID'),
  );
