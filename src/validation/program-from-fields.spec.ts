import { PROGRAM_DEFAULTS, type Webhooks } from '../domain/program';
import { mergeWebhooks, programFromFields } from './program-from-fields';

const IDENTITY = { id: 'web', hoody_kit: false };
const MINIMAL = { name: 'Web', command: './run', user: 'app' };

it('fills what was not given with defaults', () => {
  expect(programFromFields(MINIMAL, IDENTITY)).toEqual({ ...PROGRAM_DEFAULTS, ...MINIMAL, ...IDENTITY });
});

it('takes null as the default', () => {
  const nulls = Object.fromEntries(Object.keys(PROGRAM_DEFAULTS).map((key) => [key, null]));
  expect(programFromFields({ ...MINIMAL, ...nulls }, IDENTITY)).toEqual(programFromFields(MINIMAL, IDENTITY));
});

it('shares no object with the defaults', () => {
  programFromFields(MINIMAL, IDENTITY).environment.A = '1';
  programFromFields(MINIMAL, IDENTITY).port_range.start = 1;
  const again = programFromFields(MINIMAL, IDENTITY);
  expect([again.environment, again.port_range]).toEqual([{}, { start: 0, end: 0 }]);
});

describe('webhooks', () => {
  const current: Webhooks = {
    enabled: false,
    urls: ['https://a.example'],
    events: ['all'],
    headers: { A: '1' },
    timeout: 5,
    retry: 1,
    secret: 's',
  };

  it('get their defaults at first', () => {
    expect(mergeWebhooks(null, { urls: ['https://a.example'] })).toEqual({
      enabled: true,
      urls: ['https://a.example'],
      events: ['FATAL'],
      headers: {},
      timeout: 10,
      retry: 2,
      secret: null,
    });
  });

  it('keep what is not sent, the secret too', () => {
    expect(mergeWebhooks(current, { retry: 3 })).toEqual({ ...current, retry: 3 });
  });

  it('lose their secret with null', () => {
    expect(mergeWebhooks(current, { secret: null })).toEqual({ ...current, secret: null });
  });

  it('go back to a default with null', () => {
    expect(mergeWebhooks(current, { events: null, enabled: null })).toMatchObject({
      events: ['FATAL'],
      enabled: true,
    });
  });

  it('need URLs once', () => {
    expect(() => mergeWebhooks(null, { retry: 3 })).toThrow('webhooks.urls is required');
  });
});
