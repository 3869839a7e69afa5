import { LineSplitter, MAX_LINE_BYTES } from './line-splitter';
import { NOWHERE } from './log-position';

const FILE = '7.abc';

function split(...chunks: (string | Buffer)[]): {
  splitter: LineSplitter;
  lines: [string, number][];
  offset: number;
} {
  const splitter = new LineSplitter(NOWHERE);
  const lines: [string, number][] = [];
  let offset = 0;
  for (const chunk of chunks) {
    const bytes = Buffer.from(chunk as string);
    for (const { text, end } of splitter.push(bytes, FILE, offset, null)) lines.push([text, end]);
    offset += bytes.length;
  }
  return { splitter, lines, offset };
}

describe('LineSplitter', () => {
  it('gives each line with the place after it', () => {
    expect(split('a\n\nb', 'c\n').lines).toEqual([
      ['a', 2],
      ['', 3],
      ['bc', 6],
    ]);
  });

  it('makes a character whole that was cut between two reads', () => {
    const euro = Buffer.from('\u20ac\n');
    expect(split(euro.subarray(0, 1), euro.subarray(1, 2), euro.subarray(2)).lines).toEqual([['\u20ac', 4]]);
  });

  it('holds back a line without its line break, and stays before it', () => {
    const { splitter, lines } = split('a\nbc');
    expect(lines).toEqual([['a', 2]]);
    expect(splitter.position).toEqual({ file: FILE, offset: 2 });
  });

  it('keeps what it holds when the buffer it was read into is used again', () => {
    const splitter = new LineSplitter(NOWHERE);
    const buffer = Buffer.from('abc');
    splitter.push(buffer, FILE, 0, null);
    buffer.fill('x');
    expect(splitter.push(Buffer.from('\n'), FILE, 3, null).map(({ text }) => text)).toEqual(['abc']);
  });

  it('cuts an endless line into pieces between characters', () => {
    const text = 'x' + '\u20ac'.repeat(MAX_LINE_BYTES);
    const { splitter, lines, offset } = split(text);
    const rest = splitter.flush(FILE, offset, null);
    expect(lines.map(([piece]) => piece).join('') + rest.map((line) => line.text).join('')).toBe(text);
    expect(lines.length).toBeGreaterThanOrEqual(2);
    for (const [piece, end] of lines) {
      expect(Buffer.byteLength(piece)).toBeLessThanOrEqual(MAX_LINE_BYTES + 3);
      expect(piece).not.toContain('\ufffd');
      expect((end - 1) % 3).toBe(0);
    }
  });

  it('holds no more than a line of bytes that are no text', () => {
    const { splitter, lines, offset } = split(Buffer.alloc(5 * MAX_LINE_BYTES, 0x80));
    expect(lines.length).toBeGreaterThanOrEqual(4);
    expect(splitter.position.offset).toBeGreaterThan(offset - 2 * MAX_LINE_BYTES);
  });

  it('flushes what it holds but for the beginning of a character', () => {
    const { splitter, offset } = split(Buffer.from('caf\u00e9').subarray(0, 4));
    expect(splitter.flush(FILE, offset, null)).toMatchObject([{ text: 'caf', end: 3 }]);
    expect(splitter.push(Buffer.from([0xa9, 0x0a]), FILE, offset, null)).toMatchObject([
      { text: '\u00e9', end: 6 },
    ]);
  });

  it('takes the line break after a flushed line for its end, not for an empty line', () => {
    const { splitter, offset } = split('prompt> ');
    splitter.flush(FILE, offset, null);
    expect(splitter.push(Buffer.from('\nnext\n'), FILE, offset, null)).toMatchObject([
      { text: 'next', end: 14 },
    ]);
  });
});
