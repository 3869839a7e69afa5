import { type ArgumentsHost, Catch, type ExceptionFilter, Logger } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { envelopeOf } from './error-envelope';

/** The one place where an error becomes an answer. What nobody foresaw is logged whole and answered plainly. */
@Catch()
export class AllExceptionsFilter implements ExceptionFilter {
  private readonly logger = new Logger('Errors');

  catch(error: unknown, host: ArgumentsHost): void {
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const { status, body } = envelopeOf(error);
    if (body.code === 'INTERNAL_ERROR')
      this.logger.error({ err: error, request_id: host.switchToHttp().getRequest<FastifyRequest>().id });
    // A stream that fails after its head went out can only be cut; its owner does that.
    if (reply.sent || reply.raw.headersSent) return;
    void reply.status(status).type('application/json; charset=utf-8').send(body);
  }
}
