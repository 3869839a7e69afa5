import { isIP } from 'node:net';

/** An IP address (IPv6 without brackets) or a host name. */
export function isHost(text: string): boolean {
  return isIP(text) !== 0 || isHostName(text);
}

export function isHostName(text: string): boolean {
  const label = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/i;
  return text.length <= 253 && text.split('.').every((part) => label.test(part));
}
