import { signatureOf } from './signature';

describe('The signature of a webhook', () => {
  it('is that of the example in the documents of Standard Webhooks', () => {
    const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
    const body = '{"test": 2432232314}';
    expect(signatureOf(secret, 'msg_p5jXN8AQM9LWM0D4loKWxJek', 1614265330, body)).toBe(
      'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    );
  });

  it('takes any other secret as it is', () => {
    // printf 'msg_1.1.{}' | openssl dgst -sha256 -hmac 'grüße' -binary | base64
    expect(signatureOf('grüße', 'msg_1', 1, '{}')).toBe('v1,9GiCITa5Gz3z/grrC6koNHo2wufnag6eNLRdMBHQ0Wg=');
  });
});
