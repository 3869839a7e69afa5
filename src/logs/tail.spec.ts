import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs, { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { asLines, makeLogFolder, numbered, removeFolder, RotatedLog } from '../../test/fixtures/logs-support';
import { tail } from './tail';

describe('tail', () => {
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

  it('is empty for a log that does not exist', async () => {
    expect(await tail(file, { lines: 10 })).toEqual({ text: '', truncated: false });
  });

  it.each([
    ['the last lines with their last line break', 'a\nb\nc\n', 2, 'b\nc\n'],
    ['a last line without a line break as a line', 'a\nb\nc', 2, 'b\nc'],
    ['everything if there are fewer lines than asked', 'a\nb\n', 9, 'a\nb\n'],
    ['exactly all lines', 'a\nb\n', 2, 'a\nb\n'],
    ['empty lines as lines', 'a\n\n\n', 2, '\n\n'],
    ['a leading empty line', '\na\n', 2, '\na\n'],
    ['carriage returns as they are', 'a\r\nb\r\n', 1, 'b\r\n'],
    ['nothing of an empty file', '', 5, ''],
    ['nothing when no lines are asked for', 'a\nb\n', 0, ''],
  ])('gives %s', async (_what, written, lines, expected) => {
    writeFileSync(file, written);
    expect(await tail(file, { lines })).toEqual({ text: expected, truncated: false });
  });

  it('finds lines across the borders of the chunks it reads', async () => {
    const lines = numbered(1, 200_000);
    writeFileSync(file, asLines(lines));
    for (const count of [1, 1700, 10_000, 199_999]) {
      expect((await tail(file, { lines: count })).text).toBe(asLines(lines.slice(-count)));
    }
  });

  it('goes on into rotated files, and joins a line that rotation has cut within a character', async () => {
    const log = new RotatedLog(file, { maxBytes: Infinity, backups: 3 });
    const [head, rest] = [Buffer.from('caf\u00e9').subarray(0, 4), Buffer.from('caf\u00e9').subarray(4)];
    log.write('oldest\n');
    log.rotate();
    log.write(Buffer.concat([Buffer.from('older\n'), head]));
    log.rotate();
    log.write(Buffer.concat([rest, Buffer.from(' noir\nnew\n')]));

    expect((await tail(file, { lines: 2 })).text).toBe('caf\u00e9 noir\nnew\n');
    expect((await tail(file, { lines: 3 })).text).toBe('older\ncaf\u00e9 noir\nnew\n');
    expect((await tail(file, { lines: 9 })).text).toBe('oldest\nolder\ncaf\u00e9 noir\nnew\n');
  });

  it('reads the rotated files while the current one does not exist', async () => {
    writeFileSync(`${file}.1`, 'b\n');
    writeFileSync(`${file}.2`, 'a\n');
    expect((await tail(file, { lines: 5 })).text).toBe('a\nb\n');
  });

  it('reads past the number that is missing in the middle of a rotation', async () => {
    writeFileSync(file, 'b\n');
    writeFileSync(`${file}.2`, 'a\n');
    expect((await tail(file, { lines: 5 })).text).toBe('a\nb\n');
  });

  it.each([1, 2, 3])(
    'keeps the order when the log is rotated %d times while it opens the files',
    async (rotations) => {
      const log = new RotatedLog(file, { maxBytes: Infinity, backups: 9 });
      let next = 1;
      const addFile = () => {
        log.rotate();
        log.write(`${next++}\n`);
      };
      for (let n = 0; n < 3; n++) addFile();
      const openSync = fs.openSync;
      const opening = jest.spyOn(fs, 'openSync').mockImplementation((path, flags) => {
        const fd = openSync(path, flags);
        opening.mockImplementation(openSync);
        for (let n = 0; n < rotations; n++) addFile();
        return fd;
      });
      const { text } = await tail(file, { lines: 99 });
      expect(next).toBe(4 + rotations);
      expect(text).toBe(asLines(Array.from({ length: 3 + rotations }, (_, n) => `${n + 1}`)));
    },
  );

  it('replaces bytes that are not UTF-8', async () => {
    writeFileSync(file, Buffer.from([0x61, 0xff, 0x00, 0xc3, 0x0a]));
    expect((await tail(file, { lines: 1 })).text).toBe('a\ufffd\u0000\ufffd\n');
  });

  it('says when it had to cut, and does not begin within a character', async () => {
    writeFileSync(file, '\u20ac'.repeat(100) + '\n');
    expect(await tail(file, { lines: 1, maxBytes: 12 })).toEqual({
      text: '\u20ac'.repeat(3) + '\n',
      truncated: true,
    });
    expect(await tail(file, { lines: 1, maxBytes: 11 })).toEqual({
      text: '\u20ac'.repeat(3) + '\n',
      truncated: true,
    });
    expect(await tail(file, { lines: 1, maxBytes: 301 })).toMatchObject({ truncated: false });
  });

  it('reads as little of a file of 10 GB as of a small one', async () => {
    truncateSync((writeFileSync(file, ''), file), 10 * 1024 ** 3);
    fs.appendFileSync(file, '\n' + asLines(numbered(1, 1000)));
    const read = jest.spyOn(fs, 'read');

    expect((await tail(file, { lines: 100 })).text).toBe(asLines(numbered(901, 1000)));
    const asked = read.mock.calls.map((call) => (call as unknown[])[3] as number);
    expect(asked.length).toBeGreaterThan(0);
    expect(asked.reduce((sum, length) => sum + length, 0)).toBeLessThan(64 * 1024);
  });

  it('neither loses nor doubles lines while the log is being rotated', async () => {
    const writer = spawn(process.execPath, [
      join(__dirname, '../../test/fixtures/logs-rotating-writer.js'),
      file,
      '300000',
      '20000',
      '100',
    ]);
    const exit = once(writer, 'exit');
    let isRunning = true;
    void exit.then(() => (isRunning = false));
    let looks = 0;
    while (isRunning || looks === 0) {
      const { text } = await tail(file, { lines: 5000 });
      // The last line may be half written, the first may be the second half of a line whose file is gone.
      const numbers = text
        .split('\n')
        .slice(1, -1)
        .map((line) => Number(line.slice('line '.length)));
      const first = numbers[0] ?? 0;
      expect(numbers).toEqual(numbers.map((_, n) => first + n));
      looks++;
    }
    expect(await exit).toEqual([0, null]);
    expect((await tail(file, { lines: 3 })).text).toBe('line 299998\nline 299999\nline 300000\n');
    expect(looks).toBeGreaterThan(3);
  });
});
