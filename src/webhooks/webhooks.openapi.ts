import { applyDecorators } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ErrorResponses, ProgramIdParam } from '../openapi/shared-decorators';
import { DeliveryDto, WebhookTestResultDto } from './webhooks.dto';

const DELIVERY = {
  id: 'msg_0b5ff1c67c1f4cbc8b0ac7a7ecb2a0d4',
  url: 'https://hooks.example.com/daemon',
  event: 'FATAL',
  time: '2025-01-15T10:30:00.000Z',
  attempts: [{ time: '2025-01-15T10:30:00.012Z', status: 200, error: null, duration_ms: 84 }],
  outcome: 'delivered',
};

export const DescribeWebhooks = (): ClassDecorator => applyDecorators(ApiTags('Webhooks'));

export const DescribeListDeliveries = (): MethodDecorator =>
  applyDecorators(
    ApiOperation({
      operationId: 'listWebhookDeliveries',
      summary: 'What was sent to the webhooks of a program',
      description: 'The last 50 deliveries since the service started, newest first, with every attempt.',
    }),
    ProgramIdParam(),
    ApiOkResponse({
      type: DeliveryDto,
      isArray: true,
      description: 'The deliveries.',
      example: [DELIVERY],
    }),
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
    ApiOkResponse({
      type: WebhookTestResultDto,
      description: 'How it went, for each URL.',
      example: {
        success: true,
        message: 'Test event delivered to 1 of 1 URLs',
        deliveries: [{ ...DELIVERY, event: 'test' }],
      },
    }),
    ErrorResponses('VALIDATION_ERROR', 'PROGRAM_NOT_FOUND', 'CONFIG_INVALID'),
  );
