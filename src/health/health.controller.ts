import { Controller, Get, HttpStatus, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { IgnoresQuery } from '../http/known-query.guard';
import type { HealthDto, LiveDto } from './dto/health.dto';
import { DescribeGetHealth, DescribeGetLiveness, DescribeHealth } from './health.openapi';
import { HealthService } from './health.service';

@Controller('health')
@DescribeHealth()
@IgnoresQuery()
export class HealthController {
  constructor(private readonly service: HealthService) {}

  @Get()
  @DescribeGetHealth()
  getHealth(@Res({ passthrough: true }) reply: FastifyReply): HealthDto {
    const health = this.service.health();
    void reply.status(health.status === 'healthy' ? HttpStatus.OK : HttpStatus.SERVICE_UNAVAILABLE);
    return health;
  }

  @Get('live')
  @DescribeGetLiveness()
  getLiveness(): LiveDto {
    return { status: 'alive' };
  }
}
