import { TextDecoder } from 'node:util';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { DaemonError } from '../domain/errors';
import { unsupportedMediaType } from '../errors/error-envelope';
import { parseStrictJson } from './strict-json';

/** Up to here the rest of a refused body is read and thrown away, so that the client sees the answer. */
const MAX_DISCARDED_BYTES = 16 * 1024 * 1024;

/**
 * Bodies are JSON in UTF-8 or absent. No body, and an empty one, arrive at the handler as undefined, whatever
 * the content type says.
 */
export function acceptOnlyJsonBodies(fastify: FastifyInstance): void {
  fastify.removeAllContentTypeParsers();
  fastify.addHook('onRequest', async (request) => forgetTypeOfNothing(request));
  fastify.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer' },
    async (request: FastifyRequest, body: Buffer) => jsonOf(body, request.headers['content-type']),
  );
  fastify.addContentTypeParser('*', (_request, payload, done) => {
    // A chunked body may turn out to be empty; "readable" also comes at its end, and then there is nothing.
    payload.once('readable', () => {
      if (payload.read() === null) done(null, undefined);
      else done(unsupportedMediaType(), undefined);
    });
  });
  fastify.addHook('onSend', async (request, reply) => {
    // After a refused body Fastify closes the connection at once. What the client is still sending then makes
    // the kernel answer with a reset, which can overtake the answer. Node discards the rest if we stay.
    const isModest = Number(request.headers['content-length'] ?? 0) <= MAX_DISCARDED_BYTES;
    if (isModest && !request.raw.complete) reply.removeHeader('connection');
  });
}

/** Fastify judges the content type even where there is no content. */
function forgetTypeOfNothing(request: FastifyRequest): void {
  const { 'content-length': length = '0', 'transfer-encoding': encoding } = request.headers;
  if (length === '0' && encoding === undefined) delete request.headers['content-type'];
}

function jsonOf(body: Buffer, contentType = ''): unknown {
  if (!isUtf8(contentType)) throw unsupportedMediaType();
  if (body.length === 0) return undefined;
  return parseStrictJson(textOf(body));
}

function isUtf8(contentType: string): boolean {
  const charset = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(contentType)?.[1];
  return charset === undefined || /^utf-?8$/i.test(charset);
}

function textOf(body: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    throw new DaemonError('VALIDATION_ERROR', 'The request body is not valid UTF-8.');
  }
}
