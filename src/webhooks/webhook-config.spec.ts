import { WEBHOOK_DEFAULTS, type Webhooks } from '../domain/program';
import { assertWebhooks, publicWebhooks, wantsEvent } from './webhook-config';

const webhooks = (of: Partial<Webhooks> = {}): Webhooks => ({
  ...WEBHOOK_DEFAULTS,
  urls: ['https://example.com/'],
  ...of,
});

describe('The webhooks of a program', () => {
  it('are shown without their secret, but say whether there is one', () => {
    expect(publicWebhooks(webhooks({ secret: 'hush' }))).toEqual({
      enabled: true,
      urls: ['https://example.com/'],
      events: ['FATAL'],
      headers: {},
      timeout: 10,
      retry: 2,
      secret_set: true,
    });
    expect(publicWebhooks(webhooks())).toMatchObject({ secret_set: false });
    expect(publicWebhooks(null)).toBeNull();
  });

  it('want the events that they name, or all, unless they are switched off', () => {
    expect(wantsEvent(webhooks(), 'FATAL')).toBe(true);
    expect(wantsEvent(webhooks(), 'RUNNING')).toBe(false);
    expect(wantsEvent(webhooks({ events: ['all'] }), 'UNKNOWN')).toBe(true);
    expect(wantsEvent(webhooks({ enabled: false, events: ['all'] }), 'FATAL')).toBe(false);
  });

  it('refuse private addresses, and name each of them', () => {
    const urls = ['http://10.0.0.1/', 'https://example.com/', 'http://[::1]/'];
    const assertion = (): void => assertWebhooks(webhooks({ urls }), false);
    expect(assertion).toThrow(
      expect.objectContaining({
        code: 'VALIDATION_ERROR',
        extra: {
          details: [0, 2].map((i) => ({ field: `webhooks.urls[${i}]`, message: expect.any(String) })),
        },
      }),
    );
    expect(() => assertWebhooks(webhooks({ urls }), true)).not.toThrow();
  });
});
