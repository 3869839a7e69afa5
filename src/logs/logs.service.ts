import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { invalidFields } from '../domain/errors';
import { EventStreams } from '../http/sse';
import type { Instance } from '../supervisor/instance';
import type { LogsDto } from './dto/logs.dto';
import type { LogsQueryDto, LogStreamQueryDto } from './dto/logs-query.dto';
import { LogReader, type ReadLogsOptions } from './log-reader';

const DEFAULT_LINES = 100;

/** Logs as requests ask for them. */
@Injectable()
export class LogsService {
  constructor(
    private readonly reader: LogReader,
    private readonly streams: EventStreams,
  ) {}

  async read(instance: Instance, query: LogsQueryDto): Promise<LogsDto> {
    return await this.reader.read(instance, {
      lines: query.lines ?? DEFAULT_LINES,
      type: query.type,
      search: searchOf(query),
    });
  }

  stream(
    instance: Instance,
    query: LogStreamQueryDto,
    request: FastifyRequest,
    reply: FastifyReply,
    lastEventId: string | undefined,
  ): void {
    const options = { lines: query.lines ?? DEFAULT_LINES, type: query.type, lastEventId };
    this.reader.follow(instance, options, this.streams.open(request, reply));
  }
}

function searchOf({ grep, grep_mode, before, after, since, until }: LogsQueryDto): ReadLogsOptions['search'] {
  for (const [field, value] of Object.entries({ grep_mode, before, after }))
    if (value !== undefined && grep === undefined)
      throw invalidFields({ field, message: `${field} needs grep` });
  if (grep === undefined && since === undefined && until === undefined) return undefined;
  const time = (text: string | undefined) => (text === undefined ? undefined : Date.parse(text));
  return { pattern: grep, mode: grep_mode, before, after, since: time(since), until: time(until) };
}
