import { Injectable, Logger } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { EventStreams } from '../http/sse';
import { ChangeJournal } from './change-journal';
import { CurrentStates } from './current-states';
import { EventFilter } from './event-filter';
import { EventSession } from './event-session';
import type { EventsQueryDto } from './events.dto';

@Injectable()
export class EventsService {
  private readonly log = new Logger('Events');

  constructor(
    private readonly streams: EventStreams,
    private readonly journal: ChangeJournal,
    private readonly states: CurrentStates,
  ) {}

  /** Answers with a stream of changes. @throws DaemonError LIMIT_REACHED */
  stream(request: FastifyRequest, reply: FastifyReply, query: EventsQueryDto, lastEventId?: string): void {
    // The header is of this connection; the query may be that of the first one.
    const resumeFrom = lastEventId || query.last_event_id || null;
    const filter = new EventFilter(query.program, query.type);
    const stream = this.streams.open(request, reply);
    const session = new EventSession(stream, this.journal, this.states, filter, resumeFrom);
    session.run().catch((error: Error) => {
      this.log.error(`An event stream broke: ${error.stack}`);
      stream.destroy();
    });
  }
}
