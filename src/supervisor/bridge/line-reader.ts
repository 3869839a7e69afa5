import { StringDecoder } from 'node:string_decoder';

/** Cuts a byte stream into lines; a character may be split across chunks. */
export class LineReader {
  private readonly decoder = new StringDecoder('utf8');
  private unfinished = '';

  constructor(private readonly maxLineLength: number) {}

  /**
   * @returns the lines that this chunk completes, without their line feeds
   * @throws Error when a line grows longer than allowed
   */
  read(chunk: Buffer): string[] {
    const lines = this.decoder.write(chunk).split('\n');
    lines[0] = this.unfinished + lines[0];
    this.unfinished = lines.pop() ?? '';
    if (
      this.unfinished.length > this.maxLineLength ||
      lines.some((line) => line.length > this.maxLineLength)
    ) {
      this.unfinished = '';
      throw new Error(`A line is longer than ${this.maxLineLength} characters`);
    }
    return lines;
  }
}
