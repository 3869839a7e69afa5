/** Where a line says that an address is taken; the address stands right before or after it. */
const SIGNATURE =
  /EADDRINUSE|AddrInUse|(?:address )?(?:is )?already in use|failed \(98|could not bind|cannot bind|in use/i;

/** 12:30:45, which looks like an address with a port. */
const TIME_OF_DAY = /(?<![\d.:\]])\d{1,2}:\d{2}:\d{2}(?![\d:])/g;

/** ":::3000", "0.0.0.0:80", "[::]:80", "*:6379"; "port 3000", "port: 3000"; "('0.0.0.0', 8000)". */
const PORT = /\bport["']?[ :=]{1,3}(\d{1,5})(?![\d.])|:(\d{1,5})(?![\d.])|', (\d{1,5})\)/gi;

/** node prints the port again as a member of the error; PostgreSQL names it in a hint. */
const PORT_WORD = /\bport["']?[ :=]{1,3}(\d{1,5})(?![\d.])/i;

const UNIX_SOCKET = /in use:? ?["'(]?\/|\blisten unix /;

/** It is a unix socket that is taken, not a port. */
export function isAboutUnixSocket(lines: readonly string[]): boolean {
  return lines.some((line) => SIGNATURE.test(line) && UNIX_SOCKET.test(line));
}

/** The port that these last words of a program complain about, or null if they don't say. */
export function busyPortIn(lines: readonly string[]): number | null {
  const complaint = lines.findLastIndex((line) => SIGNATURE.test(line) && portNear(line) !== null);
  if (complaint >= 0) return portNear(lines[complaint]!);
  for (const line of [...lines].reverse()) {
    const port = validPort(PORT_WORD.exec(line)?.[1]);
    if (port !== null) return port;
  }
  return null;
}

function portNear(text: string): number | null {
  const line = text.replace(TIME_OF_DAY, ' ');
  const signatureAt = SIGNATURE.exec(line)?.index ?? 0;
  const ports = [...line.matchAll(PORT)].flatMap((match) => {
    const port = validPort(match[1] ?? match[2] ?? match[3]);
    return port === null ? [] : [{ port, at: match.index }];
  });
  const before = ports.findLast(({ at }) => at < signatureAt);
  return (before ?? ports[0])?.port ?? null;
}

function validPort(text: string | undefined): number | null {
  const port = Number(text);
  return Number.isInteger(port) && port >= 1 && port <= 65535 ? port : null;
}
