/** What a client was answered: the status and the body as it went out. */
export interface Answer {
  status: number;
  body: unknown;
}

export interface Remembered extends Answer {
  /** Hash of caller and key. */
  scope: string;
  /** Hash of method, path and body. */
  fingerprint: string;
  /** When it was given; milliseconds since 1970. */
  at: number;
}

export interface Bounds {
  keys: number;
  bytes: number;
  ageMs: number;
}

interface Entry {
  line: string;
  at: number;
}

/**
 * The answers of the last 24 hours, oldest first, as the lines of their file. Bounded in number and bytes: the
 * oldest goes first.
 */
export class RememberedAnswers {
  private readonly entries = new Map<string, Entry>();
  private total = 0;

  constructor(private readonly bounds: Bounds) {}

  get bytes(): number {
    return this.total;
  }

  get lines(): string[] {
    return [...this.entries.values()].map(({ line }) => line);
  }

  find(scope: string, now: number): Remembered | null {
    const entry = this.entries.get(scope);
    if (!entry || this.isOver(entry, now)) return null;
    return JSON.parse(entry.line) as Remembered;
  }

  /** @returns the line that stands for the answer in the file */
  add(answer: Remembered, now: number): string {
    const line = JSON.stringify(answer);
    this.put(answer.scope, { line, at: answer.at }, now);
    return line;
  }

  /** Takes a line of the file back in. @returns whether it could be used */
  restore(line: string, now: number): boolean {
    const answer = parse(line);
    if (answer === null) return false;
    // A clock that was set back must not make an answer live longer than promised.
    const at = Math.min(answer.at, now);
    if (!this.isOver({ line, at }, now)) this.put(answer.scope, { line, at }, now);
    return true;
  }

  private put(scope: string, entry: Entry, now: number): void {
    this.drop(scope);
    this.entries.set(scope, entry);
    this.total += Buffer.byteLength(entry.line);
    for (const [oldest, { line, at }] of this.entries) {
      const isFull = this.entries.size > this.bounds.keys || this.total > this.bounds.bytes;
      if (!isFull && !this.isOver({ line, at }, now)) break;
      this.drop(oldest);
    }
  }

  private drop(scope: string): void {
    const entry = this.entries.get(scope);
    if (!entry) return;
    this.entries.delete(scope);
    this.total -= Buffer.byteLength(entry.line);
  }

  private isOver({ at }: Entry, now: number): boolean {
    return now - at >= this.bounds.ageMs;
  }
}

/** Null for a torn line, and for one that somebody else wrote. */
function parse(line: string): Remembered | null {
  try {
    const { scope, fingerprint, at, status, body = null } = JSON.parse(line) as Partial<Remembered>;
    const isWhole =
      typeof scope === 'string' &&
      typeof fingerprint === 'string' &&
      typeof status === 'number' &&
      Number.isFinite(at);
    return isWhole ? { scope, fingerprint, at: at!, status, body } : null;
  } catch {
    return null;
  }
}
