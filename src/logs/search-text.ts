import type { Breather } from './breather';
import { LINE_BREAK } from './last-lines';
import type { LogSnapshot } from './log-snapshot';

export interface Range {
  start: number;
  end: number;
}

export interface TextOptions {
  before: number;
  after: number;
  maxBytes: number;
}

const SEPARATOR = Buffer.from('--\n');
/** Context is looked for within so many bytes on either side of a match. */
const REACH = 64 * 1024;
const WINDOW = 256 * 1024;

/** The text of matching lines with their context, collected from the last to the first. */
export class SearchText {
  /** Newest first. */
  private readonly groups: Buffer[] = [];
  private size = 0;
  private window: Buffer = Buffer.alloc(0);
  private windowStart = 0;

  constructor(
    private readonly log: LogSnapshot,
    private readonly options: TextOptions,
  ) {}

  /** `found` is newest first. Stops before the text grows larger than allowed; `matches` are those in it. */
  async collect(found: readonly Range[], breather: Breather): Promise<{ matches: number; isCut: boolean }> {
    let group: Range | null = null;
    let matches = 0;
    for (const match of found) {
      if (breather.isDue) await breather.breathe();
      const range = await this.withContext(match);
      if (group && range.end >= group.start) {
        group.start = Math.min(group.start, range.start);
      } else {
        if (group) await this.add(group);
        group = range;
      }
      if (this.size + group.end - group.start > this.options.maxBytes) break;
      matches++;
    }
    const isCut = matches < found.length;
    if (group) await this.add(isCut ? this.newestOf(group) : group);
    return { matches, isCut };
  }

  toString(): string {
    const { before, after } = this.options;
    const groups = this.groups.reverse();
    const isSeparated = before + after > 0;
    return Buffer.concat(
      groups.flatMap((group, n) => (n > 0 && isSeparated ? [SEPARATOR, group] : [group])),
    ).toString();
  }

  private async withContext({ start, end }: Range): Promise<Range> {
    const { before, after } = this.options;
    if (before + after === 0) return { start, end };
    await this.cover(start - REACH, end + REACH);
    return { start: this.linesBack(start, before), end: this.linesOn(end, after) };
  }

  private linesBack(from: number, lines: number): number {
    let at = from - this.windowStart;
    for (let left = lines; left > 0 && at > 0; left--) {
      at = at === 1 ? 0 : this.window.lastIndexOf(LINE_BREAK, at - 2) + 1;
    }
    return this.windowStart + at;
  }

  private linesOn(from: number, lines: number): number {
    let at = from - this.windowStart;
    for (let left = lines; left > 0 && at < this.window.length; left--) {
      const lineBreak = this.window.indexOf(LINE_BREAK, at);
      at = lineBreak < 0 ? this.window.length : lineBreak + 1;
    }
    return this.windowStart + at;
  }

  private async add({ start, end }: Range): Promise<void> {
    await this.cover(start, end);
    const bytes = Buffer.from(this.window.subarray(start - this.windowStart, end - this.windowStart));
    this.groups.push(bytes);
    this.size += bytes.length;
  }

  /** Cuts a group that has become too large so that its last lines stay. */
  private newestOf({ start, end }: Range): Range {
    return { start: Math.max(start, end - Math.max(0, this.options.maxBytes - this.size)), end };
  }

  /** Reads so that these bytes are in the window, and many before them, as the next match lies there. */
  private async cover(from: number, to: number): Promise<void> {
    const start = Math.max(0, from);
    const end = Math.min(this.log.size, to);
    if (start >= this.windowStart && end <= this.windowStart + this.window.length) return;
    this.windowStart = Math.max(0, Math.min(start, end - WINDOW));
    this.window = await this.log.read(this.windowStart, end);
  }
}
