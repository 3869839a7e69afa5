import { createHmac } from 'node:crypto';

const BASE64_SECRET = 'whsec_';

/** `webhook-signature` as Standard Webhooks defines it. `timestamp` in unix seconds. */
export function signatureOf(secret: string, id: string, timestamp: number, body: string): string {
  const mac = createHmac('sha256', keyOf(secret)).update(`${id}.${timestamp}.${body}`).digest('base64');
  return `v1,${mac}`;
}

/** The bytes that a secret stands for: `whsec_` is followed by base64, any other is used as it is. */
export function keyOf(secret: string): Buffer {
  return secret.startsWith(BASE64_SECRET)
    ? Buffer.from(secret.slice(BASE64_SECRET.length), 'base64')
    : Buffer.from(secret, 'utf8');
}
