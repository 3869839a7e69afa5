import { type ArgumentsHost, Logger } from '@nestjs/common';
import { DaemonError } from '../domain/errors';
import { AllExceptionsFilter } from './all-exceptions.filter';

function aReply(state: { sent?: boolean; headersSent?: boolean } = {}) {
  const answer = { status: 0, body: undefined as unknown };
  const reply = {
    sent: state.sent ?? false,
    raw: { headersSent: state.headersSent ?? false },
    status: (code: number) => ((answer.status = code), reply),
    type: () => reply,
    send: (body: unknown) => ((answer.body = body), reply),
  };
  const http = { getResponse: () => reply, getRequest: () => ({ id: 'request-1' }) };
  return { answer, host: { switchToHttp: () => http } as unknown as ArgumentsHost };
}

describe('AllExceptionsFilter', () => {
  let logged: jest.SpyInstance;
  beforeEach(() => (logged = jest.spyOn(Logger.prototype, 'error').mockImplementation()));
  afterEach(() => jest.restoreAllMocks());

  it('answers an error that was foreseen, without a word in the log', () => {
    const { answer, host } = aReply();
    new AllExceptionsFilter().catch(new DaemonError('PROGRAM_NOT_FOUND', 'There is no program "x".'), host);
    expect(answer).toEqual({
      status: 404,
      body: { success: false, error: 'There is no program "x".', code: 'PROGRAM_NOT_FOUND' },
    });
    expect(logged).not.toHaveBeenCalled();
  });

  it('logs an error that nobody foresaw whole, with the id of its request', () => {
    const { answer, host } = aReply();
    const bug = new TypeError('x is undefined');
    new AllExceptionsFilter().catch(bug, host);
    expect(answer.status).toBe(500);
    expect(logged.mock.calls[0]![0]).toEqual({ err: bug, request_id: 'request-1' });
  });

  it.each([[{ sent: true }], [{ headersSent: true }]])(
    'writes nothing into an answer that is on its way: %j',
    (state) => {
      const { answer, host } = aReply(state);
      new AllExceptionsFilter().catch(new DaemonError('START_FAILED', 'It failed.'), host);
      expect(answer).toEqual({ status: 0, body: undefined });
    },
  );
});
