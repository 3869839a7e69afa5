import {
  Body,
  Controller,
  Get,
  Headers,
  HttpCode,
  HttpStatus,
  Param,
  Post,
  Query,
  Req,
  Res,
} from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Idempotent } from '../idempotency/idempotent.decorator';
import type { LogsDto } from '../logs/dto/logs.dto';
import { LogsQueryDto, LogStreamQueryDto } from '../logs/dto/logs-query.dto';
import { LogsService } from '../logs/logs.service';
import {
  QuickStartDto,
  type EphemeralProgramDto,
  type EphemeralStatusDto,
  type EphemeralStoppedDto,
  type QuickStartedDto,
} from './dto/quick-start.dto';
import {
  DescribeGetEphemeralLogs,
  DescribeGetEphemeralStatus,
  DescribeListEphemeral,
  DescribeQuickStart,
  DescribeQuickStarts,
  DescribeStopEphemeral,
  DescribeStreamEphemeralLogs,
} from './quick-start.openapi';
import { EmptyBodyDto } from '../validation/empty-body.dto';
import { EphemeralInstances } from './ephemeral-instances';
import { QuickStartService } from './quick-start.service';

@Controller('quick-start')
@DescribeQuickStarts()
export class QuickStartController {
  constructor(
    private readonly quickStart: QuickStartService,
    private readonly instances: EphemeralInstances,
    private readonly logs: LogsService,
  ) {}

  @Post()
  @Idempotent()
  @DescribeQuickStart()
  launchEphemeral(@Body() request: QuickStartDto): Promise<QuickStartedDto> {
    return this.quickStart.launch(request);
  }

  @Get()
  @DescribeListEphemeral()
  listEphemeral(): EphemeralProgramDto[] {
    return this.quickStart.list();
  }

  @Get(':id/status')
  @DescribeGetEphemeralStatus()
  getEphemeralStatus(@Param('id') id: string): EphemeralStatusDto {
    return this.quickStart.status(id);
  }

  @Get(':id/logs')
  @DescribeGetEphemeralLogs()
  getEphemeralLogs(@Param('id') id: string, @Query() query: LogsQueryDto): Promise<LogsDto> {
    return this.logs.read(this.instances.instance(id, query.port), query);
  }

  @Get(':id/logs/stream')
  @DescribeStreamEphemeralLogs()
  streamEphemeralLogs(
    @Param('id') id: string,
    @Query() query: LogStreamQueryDto,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @Headers('last-event-id') lastEventId?: string,
  ): void {
    this.logs.stream(this.instances.instance(id, query.port), query, request, reply, lastEventId);
  }

  @Post(':id/stop')
  @HttpCode(HttpStatus.OK)
  @DescribeStopEphemeral()
  stopEphemeral(@Param('id') id: string, @Body() _body: EmptyBodyDto): Promise<EphemeralStoppedDto> {
    return this.quickStart.stop(id);
  }
}
