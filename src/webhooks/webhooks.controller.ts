import { Controller, Get, HttpCode, HttpStatus, Param, Post } from '@nestjs/common';
import { WebhookDispatcher } from './webhook-dispatcher';
import type { DeliveryDto, WebhookTestResultDto } from './webhooks.dto';
import { DescribeListDeliveries, DescribeTestWebhooks, DescribeWebhooks } from './webhooks.openapi';

@Controller('programs')
@DescribeWebhooks()
export class WebhooksController {
  constructor(private readonly dispatcher: WebhookDispatcher) {}

  @Get(':id/webhooks')
  @DescribeListDeliveries()
  listWebhookDeliveries(@Param('id') id: string): DeliveryDto[] {
    return this.dispatcher.deliveries(id);
  }

  @Post(':id/webhooks/test')
  @HttpCode(HttpStatus.OK)
  @DescribeTestWebhooks()
  async testWebhooks(@Param('id') id: string): Promise<WebhookTestResultDto> {
    const deliveries = await this.dispatcher.test(id);
    const delivered = deliveries.filter(({ outcome }) => outcome === 'delivered').length;
    return {
      success: true,
      message: `Test event delivered to ${delivered} of ${deliveries.length} URLs`,
      deliveries,
    };
  }
}
