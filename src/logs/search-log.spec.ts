import fs, { truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { asLines, makeLogFolder, numbered, removeFolder, RotatedLog } from '../../test/fixtures/logs-support';
import { searchLog, type LogSearch, type SearchLimits } from './search-log';

const SECOND = 1000;

describe('searchLog', () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = makeLogFolder();
    file = join(folder, 'web.stdout.log');
  });
  afterEach(() => {
    jest.restoreAllMocks();
    removeFolder(folder);
  });

  const find = (search: Partial<LogSearch>, limits?: SearchLimits) =>
    searchLog(file, { lines: 100, ...search }, limits);

  it('is empty for a log that does not exist', async () => {
    expect(await find({ pattern: 'x' })).toEqual({
      text: '',
      truncated: false,
      scanned_bytes: 0,
      matches: 0,
    });
  });

  it('finds the last lines that hold a text, each once, in the order of the file', async () => {
    writeFileSync(file, 'error 1\nok\nerror error 2\nerror 3');
    expect(await find({ pattern: 'error', lines: 2 })).toMatchObject({
      text: 'error error 2\nerror 3',
      matches: 2,
    });
    expect(await find({ pattern: 'error' })).toMatchObject({
      text: 'error 1\nerror error 2\nerror 3',
      matches: 3,
    });
  });

  it('takes the signs of a text for what they are', async () => {
    writeFileSync(file, 'a.b\naxb\n');
    expect((await find({ pattern: 'a.b' })).text).toBe('a.b\n');
  });

  it('matches a regular expression against the line without its line break', async () => {
    writeFileSync(file, 'status=200\nstatus=503\nstatus=503 again\n');
    expect((await find({ pattern: '=5\\d\\d$', mode: 'regex' })).text).toBe('status=503\n');
    expect((await find({ pattern: '^(?i)STATUS=2', mode: 'regex' })).text).toBe('status=200\n');
  });

  it('gives the same as looking at every line, across the chunks that it reads and files that cut lines', async () => {
    const log = new RotatedLog(file, { maxBytes: 100_001, backups: 50 });
    const lines = numbered(1, 60_000);
    const text = asLines(lines);
    for (let at = 0; at < text.length; at += 9973) log.write(text.slice(at, at + 9973));
    const expected = asLines(lines.filter((line) => line.includes('77')));
    expect((await find({ pattern: '77', lines: 10_000 })).text).toBe(expected);
    expect((await find({ pattern: '7{2}', mode: 'regex', lines: 10_000 })).text).toBe(expected);
  });

  it('adds context like grep, no line twice, and shows where lines are missing', async () => {
    writeFileSync(file, asLines(['1', '2', 'x3', '4', 'x5', '6', '7', '8', 'x9']));
    expect((await find({ pattern: 'x', before: 1, after: 1 })).text).toBe('2\nx3\n4\nx5\n6\n--\n8\nx9\n');
    expect((await find({ pattern: 'x3', before: 9 })).text).toBe('1\n2\nx3\n');
    expect((await find({ pattern: 'x9', after: 9 })).text).toBe('x9\n');
    expect((await find({ pattern: 'x' })).text).toBe('x3\nx5\nx9\n');
  });

  it('keeps a line together that is longer than a chunk', async () => {
    const long = `needle ${'x'.repeat(500_000)}`;
    writeFileSync(file, asLines(['a', long, 'b']));
    expect((await find({ pattern: 'needle' })).text).toBe(`${long}\n`);
  });

  it('stops at its limit of bytes and says so', async () => {
    writeFileSync(file, asLines(['needle', ...numbered(1, 100_000)]));
    const result = await find({ pattern: 'needle' }, { maxBytes: 300_000 });
    expect(result).toMatchObject({ text: '', matches: 0, truncated: true });
    expect(result.scanned_bytes).toBeGreaterThanOrEqual(300_000);
    expect(result.scanned_bytes).toBeLessThan(500_000);
  });

  it('stops at its limit of time and says so', async () => {
    writeFileSync(file, asLines(numbered(1, 100_000)));
    expect(await find({ pattern: 'nothing' }, { deadlineMs: -1 })).toMatchObject({
      truncated: true,
      scanned_bytes: 0,
    });
  });

  it('keeps the last matches when the text would grow too large', async () => {
    writeFileSync(file, asLines(numbered(1, 9)));
    expect(await find({ pattern: 'line' }, { maxTextBytes: 14 })).toMatchObject({
      text: 'line 8\nline 9\n',
      truncated: true,
    });
  });

  it('reads only the end of a file of 10 GB when that holds enough', async () => {
    writeFileSync(file, '');
    truncateSync(file, 10 * 1024 ** 3);
    fs.appendFileSync(file, '\n' + asLines(numbered(1, 1000)));
    const result = await find({ pattern: '9', lines: 5 });
    expect(result).toMatchObject({ matches: 5, truncated: false });
    expect(result.scanned_bytes).toBeLessThan(1024 * 1024);
  });

  it.each(['(', 'a\nb', '(x{100}){100}', '(x{300}x{300})', '(\\w{20}){20}{2}', 'x'.repeat(1001)])(
    'refuses %j as an expression',
    async (pattern) => {
      await expect(find({ pattern, mode: 'regex' })).rejects.toMatchObject({ code: 'VALIDATION_ERROR' });
    },
  );

  it('does not hang on an expression that backtracks for ever elsewhere', async () => {
    writeFileSync(file, asLines(['a'.repeat(5000)]));
    expect(await find({ pattern: '^(a+)+$|b', mode: 'regex' })).toMatchObject({ matches: 1 });
    expect(await find({ pattern: '^(a|aa)+b$', mode: 'regex' })).toMatchObject({ matches: 0 });
  });

  describe('between times', () => {
    const at = (second: number) => Date.UTC(2025, 0, 15, 10, 30, second);
    const stamp = (second: number) => new Date(at(second)).toISOString();

    it('goes by the time at the beginning of a line, both ends included', async () => {
      writeFileSync(file, asLines([1, 2, 3, 4].map((second) => `${stamp(second)} n${second}`)));
      const { text } = await find({ since: at(2), until: at(3) });
      expect(text).toBe(`${stamp(2)} n2\n${stamp(3)} n3\n`);
    });

    it('counts lines without a time to the line before them', async () => {
      writeFileSync(file, asLines([`${stamp(1)} a`, '  at a', `${stamp(5)} b`, '  at b', '  at b2']));
      expect((await find({ since: at(2) })).text).toBe(`${stamp(5)} b\n  at b\n  at b2\n`);
      expect((await find({ until: at(2), pattern: 'at' })).text).toBe('  at a\n');
    });

    it('lets the times of the files decide where no line has one', async () => {
      writeFileSync(`${file}.1`, 'old\n');
      utimesSync(`${file}.1`, at(10) / SECOND, at(10) / SECOND);
      writeFileSync(file, 'new\n');
      utimesSync(file, at(20) / SECOND, at(20) / SECOND);
      expect((await find({ since: at(15) })).text).toBe('new\n');
      expect((await find({ until: at(5) })).text).toBe('old\n');
      expect((await find({ since: at(30) })).text).toBe('');
    });

    it('stops when it has come to a stretch that is older', async () => {
      const lines = Array.from({ length: 30_000 }, (_, n) => `${new Date(at(n)).toISOString()} n${n}`);
      writeFileSync(file, asLines(lines));
      const result = await find({ since: at(29_990), lines: 1000 });
      expect(result).toMatchObject({ matches: 10, truncated: false, text: asLines(lines.slice(-10)) });
      expect(result.scanned_bytes).toBeLessThan(400_000);
    });
  });
});
