import { isIP } from 'node:net';
import { invalidFields } from '../domain/errors';
import { isRefusedAddress } from './address-guard';

/**
 * What can be known of an address without asking the name service. The rest is checked when it is
 * connected to. @throws DaemonError VALIDATION_ERROR
 */
export function assertWebhookUrl(url: string, allowPrivate: boolean, field = 'webhooks.urls'): void {
  const problem = webhookUrlProblem(url, allowPrivate);
  if (problem) throw invalidFields({ field, message: `${field}: ${problem}` });
}

/** Why nothing may be sent to it, or null. */
export function webhookUrlProblem(text: string, allowPrivate: boolean): string | null {
  if (!URL.canParse(text)) return `"${text}" is not a URL.`;
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    return `"${shownUrl(text)}" is not http or https.`;
  if (!allowPrivate && isRefusedHost(hostOf(url)))
    return `"${shownUrl(text)}" is a loopback, private or link-local address (DAEMON_WEBHOOK_ALLOW_PRIVATE=true allows these).`;
  return null;
}

/** As logs and answers may show it: without user and password. */
export function shownUrl(text: string): string {
  if (!URL.canParse(text)) return text;
  const url = new URL(text);
  url.username = '';
  url.password = '';
  return url.href;
}

// URL has turned 127.1, 0x7f000001 and the like into dotted form already.
function isRefusedHost(host: string): boolean {
  return isIP(host) !== 0 ? isRefusedAddress(host) : host === 'localhost' || host.endsWith('.localhost');
}

function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
}
