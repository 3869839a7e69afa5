import type { LookupAddress } from 'node:dns';
import { DaemonError } from '../domain/errors';
import { isRefusedAddress } from './address-guard';
import { guardedLookup, isRefusal, type ResolveAll } from './guarded-lookup';
import { assertWebhookUrl, shownUrl } from './webhook-url';

describe('The guard of webhook addresses', () => {
  it.each([
    '127.0.0.1',
    '127.255.255.255',
    '0.0.0.0',
    '10.1.2.3',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '100.127.255.255',
    '224.0.0.1',
    '255.255.255.255',
    '240.0.0.1',
    '198.18.0.1',
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:8.8.8.8',
    '::127.0.0.1',
    '64:ff9b::7f00:1',
    '64:ff9b:1::1',
    '2002:7f00:1::',
    '2001::1',
    'fc00::1',
    'fd12:3456::1',
    'fe80::1',
    'fe80::1%eth0',
    'febf::1',
    'fec0::1',
    'ff02::1',
    'no address',
    '',
  ])('refuses %s', (address) => {
    expect(isRefusedAddress(address)).toBe(true);
  });

  it.each([
    '8.8.8.8',
    '1.1.1.1',
    '172.15.0.1',
    '172.32.0.1',
    '100.63.255.255',
    '100.128.0.1',
    '169.253.0.1',
    '192.167.0.1',
    '223.255.255.255',
    '2606:4700::1111',
    '2a00:1450::1',
    '2600::',
  ])('lets %s through', (address) => {
    expect(isRefusedAddress(address)).toBe(false);
  });

  it.each([
    'http://127.0.0.1/',
    'http://127.1/',
    'http://2130706433/',
    'http://0x7f.1/',
    'http://0177.0.0.1/',
    'http://[::1]:8080/x',
    'http://[::ffff:10.0.0.1]/',
    'https://192.168.0.1/',
    'http://169.254.169.254/latest/meta-data',
    'http://localhost/',
    'http://LOCALHOST./',
    'http://api.localhost/',
    'http://user:word@10.0.0.1/',
    'http://１２７.0.0.1/',
  ])('refuses the literal address of %s at once, unless the operator allows it', (url) => {
    expect(() => assertWebhookUrl(url, false)).toThrow(DaemonError);
    expect(() => assertWebhookUrl(url, true)).not.toThrow();
  });

  it.each(['ftp://example.com/', 'file:///etc/passwd', 'example.com', '', 'http://', 'javascript:alert(1)'])(
    'refuses %p, which is no http address, whoever allows what',
    (url) => {
      expect(() => assertWebhookUrl(url, true)).toThrow(DaemonError);
    },
  );

  it('never repeats the password of a URL', () => {
    expect(() => assertWebhookUrl('http://user:word@10.0.0.1/', false)).toThrow(/^(?!.*word).*10\.0\.0\.1/);
    expect(shownUrl('https://user:word@example.com/hook?a=1')).toBe('https://example.com/hook?a=1');
  });

  it('leaves names to the lookup of the connection', () => {
    expect(() => assertWebhookUrl('https://internal.example.com/', false)).not.toThrow();
  });
});

describe('The lookup of a webhook connection', () => {
  it('refuses a name when any of its addresses is refused', async () => {
    const { error } = await lookUp(['93.184.216.34', '10.0.0.1'], { all: true });
    expect(isRefusal(error)).toBe(true);
    expect(error!.message).toBe('name.test leads to 10.0.0.1, a loopback, private or link-local address');
  });

  it('answers exactly the addresses that it has checked', async () => {
    const { error, answer } = await lookUp(['93.184.216.34', '2606:2800::1'], { all: true });
    expect(error).toBeNull();
    expect(answer).toEqual([
      { address: '93.184.216.34', family: 4 },
      { address: '2606:2800::1', family: 6 },
    ]);
  });

  it('answers a single one to who asks for one, though all were checked', async () => {
    expect((await lookUp(['93.184.216.34', '93.184.216.35'], {})).answer).toBe('93.184.216.34');
    expect(isRefusal((await lookUp(['93.184.216.34', '::1'], {})).error)).toBe(true);
  });

  it('asks for the addresses once, so that they cannot change between the check and the connection', async () => {
    const resolve = jest.fn(resolvingTo(['93.184.216.34']));
    await new Promise((done) => guardedLookup(resolve)('name.test', { all: true }, done));
    expect(resolve).toHaveBeenCalledTimes(1);
  });

  it('passes on that a name has no address', async () => {
    expect((await lookUp([], { all: true })).error).toMatchObject({ code: 'ENOTFOUND' });
  });
});

function lookUp(
  addresses: string[],
  options: { all?: boolean },
): Promise<{ error: NodeJS.ErrnoException | null; answer: string | LookupAddress[] }> {
  return new Promise((resolve) => {
    guardedLookup(resolvingTo(addresses))('name.test', options, (error, answer) =>
      resolve({ error, answer }),
    );
  });
}

function resolvingTo(addresses: string[]): ResolveAll {
  return (_host, _options, done) =>
    done(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
}
