/** Where the last whole character ends: the bytes after it are the beginning of one that is not complete. */
export function lastCharEnd(bytes: Buffer): number {
  for (let start = bytes.length - 1; start >= 0 && start >= bytes.length - 3; start--) {
    const byte = bytes[start] ?? 0;
    if (isContinuation(byte)) continue;
    return start + charLength(byte) > bytes.length ? start : bytes.length;
  }
  return bytes.length;
}

/** The first place from `from` on where a character begins. */
export function nextCharStart(bytes: Buffer, from: number): number {
  let at = from;
  while (at < bytes.length && at < from + 3 && isContinuation(bytes[at] ?? 0)) at++;
  return at;
}

function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}

function charLength(lead: number): number {
  if (lead >= 0xf0 && lead <= 0xf4) return 4;
  if (lead >= 0xe0) return lead < 0xf0 ? 3 : 1;
  return lead >= 0xc2 ? 2 : 1;
}
