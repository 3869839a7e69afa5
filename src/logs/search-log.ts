import { Breather } from './breather';
import { lineMatcher, type GrepMode, type LineMatcher } from './line-matcher';
import { LINE_BREAK } from './last-lines';
import { lineTime } from './line-time';
import { LogSnapshot } from './log-snapshot';
import { SearchText, type Range } from './search-text';

export interface LogSearch {
  /** All lines if it is not given. */
  pattern?: string;
  mode?: GrepMode;
  /** At most so many matching lines, the last ones. */
  lines: number;
  /** Lines of context around each match, 0 to 100. */
  before?: number;
  after?: number;
  /** Milliseconds since 1970, both included. */
  since?: number;
  until?: number;
}

export interface SearchLimits {
  maxBytes?: number;
  deadlineMs?: number;
  maxTextBytes?: number;
}

export interface SearchResult {
  /** The matching lines in the order of the file; with context `--` stands between what is not adjacent. */
  text: string;
  /** A limit ended the search: there may be older matches. Never because `lines` were found. */
  truncated: boolean;
  scanned_bytes: number;
  matches: number;
}

const DEFAULT_LIMITS = { maxBytes: 64 * 1024 * 1024, deadlineMs: 2000, maxTextBytes: 8 * 1024 * 1024 };
const CHUNK = 128 * 1024;
/** A line (or, with times, a group of lines without one) that is longer is searched in pieces. */
const MAX_CARRIED = 1024 * 1024;

/**
 * Searches a log, its rotated files included, from its end towards its beginning, bounded in bytes and time
 * and never holding up others for more than some milliseconds.
 *
 * `since` and `until` go by the time that a line itself begins with (`lineTime`), as the service knows no
 * other; a line without one belongs to the line with one before it, as the lines of a stack trace do. Where
 * there is none at all the times of the files decide: a file that was last written before `since`, or begun
 * after `until`, is out. A stretch of 64 KiB or more that is older than `since` ends the search: logs are in order
 * of time but for small disorder.
 */
export async function searchLog(
  file: string,
  search: LogSearch,
  limits: SearchLimits = {},
): Promise<SearchResult> {
  const matcher = search.pattern ? lineMatcher(search.pattern, search.mode) : null;
  const log = LogSnapshot.open(file);
  try {
    return await new BackwardSearch(log, search, matcher, { ...DEFAULT_LIMITS, ...limits }).run();
  } finally {
    log.close();
  }
}

class BackwardSearch {
  private readonly deadline: number;
  private readonly breather = new Breather();
  /** Newest first. */
  private readonly found: Range[] = [];
  private scanned = 0;
  private isCut = false;
  private isPastSince = false;

  constructor(
    private readonly log: LogSnapshot,
    private readonly search: LogSearch,
    private readonly matcher: LineMatcher | null,
    private readonly limits: Required<SearchLimits>,
  ) {
    this.deadline = performance.now() + limits.deadlineMs;
  }

  async run(): Promise<SearchResult> {
    await this.scan();
    const { before = 0, after = 0 } = this.search;
    const text = new SearchText(this.log, { before, after, maxBytes: this.limits.maxTextBytes });
    const { matches, isCut } = await text.collect(this.found, this.breather);
    return {
      text: text.toString(),
      truncated: this.isCut || isCut,
      scanned_bytes: this.scanned,
      matches,
    };
  }

  private get isEnough(): boolean {
    return this.found.length >= this.search.lines;
  }

  private get isTimed(): boolean {
    return this.search.since !== undefined || this.search.until !== undefined;
  }

  private async scan(): Promise<void> {
    const floor = this.oldestOfInterest();
    let carried: Buffer = Buffer.alloc(0);
    for (let end = this.log.size; end > floor && !this.isEnough && !this.isPastSince;) {
      if (this.isOverLimit()) return;
      const start = Math.max(floor, end - CHUNK);
      const bytes = Buffer.concat([await this.log.read(start, end), carried]);
      this.scanned += end - start;
      const head = start === floor || bytes.length > MAX_CARRIED ? 0 : this.firstWhole(bytes, end - start);
      await this.searchIn(bytes.subarray(head), start + head);
      if (this.isCut) return;
      carried = bytes.subarray(0, head);
      end = start;
    }
  }

  /** Rotated files that were last written before `since` hold nothing that is asked for. */
  private oldestOfInterest(): number {
    const { since } = this.search;
    if (since === undefined) return 0;
    return this.log.parts.find(({ mtimeMs }) => mtimeMs >= since)?.start ?? this.log.size;
  }

  /** What comes before it needs bytes that are further back. Beyond the fresh bytes there is none. */
  private firstWhole(bytes: Buffer, fresh: number): number {
    for (let at = bytes.indexOf(LINE_BREAK); at >= 0 && at < fresh; at = bytes.indexOf(LINE_BREAK, at + 1)) {
      if (!this.isTimed || timeAt(bytes, at + 1) !== null) return at + 1;
    }
    return bytes.length;
  }

  private async searchIn(bytes: Buffer, base: number): Promise<void> {
    if (this.matcher?.needle && !this.isTimed) return this.findNeedle(bytes, base, this.matcher.needle);
    const lines = this.isTimed ? await this.linesInTime(bytes, base) : lineRanges(bytes);
    for (const line of lines.reverse()) {
      if (this.isEnough) return;
      if (this.breather.isDue) {
        await this.breather.breathe();
        if (this.isOverLimit()) return;
      }
      if (this.matcher?.matches(textOf(bytes, line)) ?? true)
        this.found.push({ start: base + line.start, end: base + line.end });
    }
  }

  /** Jumps from hit to hit without looking at the lines between them. */
  private async findNeedle(bytes: Buffer, base: number, needle: Buffer): Promise<void> {
    for (let end = bytes.length; end > 0 && !this.isEnough;) {
      const hit = bytes.subarray(0, end).lastIndexOf(needle);
      if (hit < 0) break;
      const start = hit === 0 ? 0 : bytes.lastIndexOf(LINE_BREAK, hit - 1) + 1;
      const lineBreak = bytes.indexOf(LINE_BREAK, hit);
      this.found.push({ start: base + start, end: base + (lineBreak < 0 ? bytes.length : lineBreak + 1) });
      end = start;
      if (this.breather.isDue) await this.breather.breathe();
    }
    if (this.breather.isDue) await this.breather.breathe();
  }

  private async linesInTime(bytes: Buffer, base: number): Promise<Range[]> {
    const { since = -Infinity, until = Infinity } = this.search;
    const kept: Range[] = [];
    let isIn: boolean | null = null;
    let newest = -Infinity;
    for (const line of lineRanges(bytes)) {
      if (this.breather.isDue) await this.breather.breathe();
      const time = timeAt(bytes, line.start);
      if (time !== null) {
        isIn = time >= since && time <= until;
        newest = Math.max(newest, time);
      }
      if (isIn ?? this.isFileInTime(base + line.start)) kept.push(line);
    }
    this.isPastSince = newest !== -Infinity && newest < since && bytes.length >= CHUNK / 2;
    return kept;
  }

  /** For lines with no time before them: could the file have been written in that span? */
  private isFileInTime(offset: number): boolean {
    const { since = -Infinity, until = Infinity } = this.search;
    const at = this.log.parts.findLastIndex(({ start }) => start <= offset);
    const begun = this.log.parts[at - 1]?.mtimeMs ?? -Infinity;
    return (this.log.parts[at]?.mtimeMs ?? Infinity) >= since && begun <= until;
  }

  private isOverLimit(): boolean {
    const isOver = this.scanned >= this.limits.maxBytes || performance.now() > this.deadline;
    if (isOver) this.isCut = true;
    return isOver;
  }
}

/** Line breaks included. */
function lineRanges(bytes: Buffer): Range[] {
  const ranges: Range[] = [];
  for (let start = 0; start < bytes.length;) {
    const lineBreak = bytes.indexOf(LINE_BREAK, start);
    const end = lineBreak < 0 ? bytes.length : lineBreak + 1;
    ranges.push({ start, end });
    start = end;
  }
  return ranges;
}

/** Without the line break: `$` is before it. */
function textOf(bytes: Buffer, { start, end }: Range): string {
  return bytes.toString('utf8', start, bytes[end - 1] === LINE_BREAK ? end - 1 : end);
}

function timeAt(bytes: Buffer, at: number): number | null {
  return lineTime(bytes.toString('latin1', at, at + 64));
}
