import { BadRequestException, HttpException, NotFoundException } from '@nestjs/common';
import { DaemonError, type ErrorCode, invalidFields } from '../domain/errors';
import { envelopeOf, errorOfBody } from './error-envelope';
import { STATUS_OF } from './error-status';

const fastifyError = (code: string, statusCode: number): Error =>
  Object.assign(new Error('in its own words'), { code, statusCode });

describe('envelopeOf', () => {
  it.each(Object.entries(STATUS_OF) as [ErrorCode, number][])('answers %s with %d', (code, status) => {
    expect(envelopeOf(new DaemonError(code, 'Do this.', { hint: 1 }))).toEqual({
      status,
      body: { success: false, error: 'Do this.', code, hint: 1 },
    });
  });

  it('names the fields at fault', () => {
    const error = invalidFields({ field: 'name', message: 'name is missing.' });
    expect(envelopeOf(error).body).toMatchObject({
      details: [{ field: 'name', message: 'name is missing.' }],
    });
  });

  it('does not let a further member hide that it is an error', () => {
    const error = new DaemonError('START_FAILED', 'It failed.', {
      success: true,
      code: 0,
      error: null,
      status: 'FATAL',
    });
    expect(envelopeOf(error).body).toEqual({
      success: false,
      error: 'It failed.',
      code: 'START_FAILED',
      status: 'FATAL',
    });
  });

  it.each<[string, unknown, ErrorCode]>([
    ["Nest's 400", new BadRequestException('port must be a number'), 'VALIDATION_ERROR'],
    ["Nest's 404", new NotFoundException('Cannot GET /x'), 'NOT_FOUND'],
    [
      "Nest's wrapping of Fastify's 413",
      new HttpException('Request body is too large', 413),
      'PAYLOAD_TOO_LARGE',
    ],
    [
      "Nest's wrapping of Fastify's 415",
      new HttpException('Unsupported Media Type', 415),
      'UNSUPPORTED_MEDIA_TYPE',
    ],
    [
      'the 403 of the file server',
      Object.assign(new Error('Forbidden'), { statusCode: 403, expose: true }),
      'NOT_FOUND',
    ],
    ['405', new HttpException('no', 405), 'METHOD_NOT_ALLOWED'],
    ['414', fastifyError('FST_ERR_MAX_PARAM_LENGTH', 414), 'PAYLOAD_TOO_LARGE'],
    ['431', new HttpException('no', 431), 'PAYLOAD_TOO_LARGE'],
    ['400 of Fastify', fastifyError('FST_ERR_CTP_INVALID_CONTENT_LENGTH', 400), 'VALIDATION_ERROR'],
    ['500 of Fastify', fastifyError('FST_ERR_REP_INVALID_PAYLOAD_TYPE', 500), 'INTERNAL_ERROR'],
    ['500 of Nest', new HttpException('secret', 500), 'INTERNAL_ERROR'],
    ['a bug', new TypeError('secret'), 'INTERNAL_ERROR'],
    [
      'an error of the system',
      Object.assign(new Error('secret'), { code: 'ENOENT', statusCode: 400 }),
      'INTERNAL_ERROR',
    ],
    ['a thrown text', 'secret', 'INTERNAL_ERROR'],
    ['nothing', undefined, 'INTERNAL_ERROR'],
  ])('translates %s', (_what, error, code) => {
    const { status, body } = envelopeOf(error);
    expect(body).toEqual({ success: false, code, error: expect.any(String) });
    expect(status).toBe(STATUS_OF[code]);
  });

  it.each([
    [new TypeError('secret')],
    [new HttpException('secret', 503)],
    ['secret'],
    [{ message: 'secret' }],
  ])('does not tell what is inside %p', (error) => {
    expect(JSON.stringify(envelopeOf(error))).not.toContain('secret');
  });

  it('joins the messages of a validation that lists them', () => {
    expect(envelopeOf(new BadRequestException(['a is missing', 'b is missing'])).body.error).toBe(
      'a is missing; b is missing',
    );
  });

  it('can be taken back: the error of a body has that body', () => {
    const { body } = envelopeOf(
      new DaemonError('START_FAILED', 'It failed.', { status: 'FATAL', exit_status: 3 }),
    );
    expect(envelopeOf(errorOfBody(body)).body).toEqual(body);
  });
});
