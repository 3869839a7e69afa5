import { Controller, Get, Param, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { ConfigRepository } from '../config-store/config-repository';
import { requireInRange } from '../domain/instance-port';
import type { StatusDto } from './dto/status.dto';
import { StatusQueryDto } from './dto/status-query.dto';
import { DescribeGetStatus, DescribeListStatus, DescribeStatus } from './status.openapi';
import { StatusService } from './status.service';

@Controller('status')
@DescribeStatus()
export class StatusController {
  constructor(
    private readonly status: StatusService,
    private readonly repository: ConfigRepository,
  ) {}

  @Get()
  @DescribeListStatus()
  async listStatus(@Query() query: StatusQueryDto, @Res() reply: FastifyReply): Promise<void> {
    const isPlain = query.port === undefined && !query.include_stats;
    await reply
      .type('application/json; charset=utf-8')
      .send(isPlain ? this.status.all() : await this.status.list(query.port, query.include_stats ?? false));
  }

  @Get(':id')
  @DescribeGetStatus()
  async getStatus(@Param('id') id: string, @Query() query: StatusQueryDto): Promise<StatusDto> {
    const program = this.repository.program(id);
    if (query.port !== undefined) requireInRange(program, query.port);
    return await this.status.one(program, query.port, query.include_stats ?? false);
  }
}
