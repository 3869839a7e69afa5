import { Controller, Get, Headers, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { IgnoresQuery } from '../http/known-query.guard';
import { prefersOpenMetrics } from './exposition';
import { DescribeMetrics } from './metrics.openapi';
import { MetricsService } from './metrics.service';

@Controller('metrics')
export class MetricsController {
  constructor(private readonly metrics: MetricsService) {}

  @Get()
  @IgnoresQuery()
  @DescribeMetrics()
  async getMetrics(
    @Headers('accept') accept: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    const { contentType, text } = await this.metrics.expose(prefersOpenMetrics(accept));
    void reply.header('content-type', contentType).header('vary', 'accept');
    return text;
  }
}
