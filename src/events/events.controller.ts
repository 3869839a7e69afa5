import { Controller, Get, Headers, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { EventsQueryDto } from './events.dto';
import { DescribeEvents, DescribeStreamEvents } from './events.openapi';
import { EventsService } from './events.service';

@Controller('events')
@DescribeEvents()
export class EventsController {
  constructor(private readonly events: EventsService) {}

  @Get()
  @DescribeStreamEvents()
  streamEvents(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @Query() query: EventsQueryDto,
    @Headers('last-event-id') lastEventId?: string,
  ): void {
    this.events.stream(request, reply, query, lastEventId);
  }
}
