import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs, { appendFileSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  asLines,
  Collector,
  makeLogFolder,
  numbered,
  removeFolder,
  RotatedLog,
} from '../../test/fixtures/logs-support';
import { LogFollowers, type FollowStart, type LogFollower } from './log-follower';
import type { LogLine } from './line-splitter';
import { parsePosition } from './log-position';

/** Never woken by the clock, so that only the watch can be what wakes. */
const WATCH_ONLY = { pollMs: 3_600_000, quietMs: 3_600_000 };

describe('LogFollowers', () => {
  let folder: string;
  let file: string;
  let followers: LogFollowers;
  let open: LogFollower[];
  beforeEach(() => {
    folder = makeLogFolder();
    file = join(folder, 'web.stdout.log');
    followers = LogFollowers.with(WATCH_ONLY);
    open = [];
  });
  afterEach(() => {
    jest.restoreAllMocks();
    for (const follower of open) follower.close();
    expect(followers.readerCount).toBe(0);
    removeFolder(folder);
  });

  async function follow(start: Partial<FollowStart> = {}, sink = new Collector()): Promise<Collector> {
    const follower = followers.follow(file, { lines: 10, ...start }, sink);
    open.push(follower);
    await follower.replay();
    await follower.live();
    return sink;
  }

  it('gives the last lines first, without a time, then new ones with the time they were seen', async () => {
    writeFileSync(file, 'a\nb\nc\n');
    const sink = await follow({ lines: 2 });
    appendFileSync(file, 'd\n');

    expect(await sink.until(3)).toEqual(['b', 'c', 'd']);
    expect(sink.lines.map(({ time }) => time)).toEqual([null, null, expect.stringMatching(/^\d{4}-.*Z$/)]);
  });

  it('waits for a log that does not exist yet', async () => {
    const sink = await follow();
    writeFileSync(file, 'first\n');
    expect(await sink.until(1)).toEqual(['first']);
  });

  it('gives a line whole that is written in parts, a part of a character among them', async () => {
    writeFileSync(file, 'be');
    const sink = await follow();
    appendFileSync(file, Buffer.concat([Buffer.from('fore caf'), Buffer.from([0xc3])]));
    appendFileSync(file, Buffer.from([0xa9, 0x0a]));
    expect(await sink.until(1)).toEqual(['before caf\u00e9']);
  });

  it('gives out a line without its line break when the log is quiet', async () => {
    followers = LogFollowers.with({ pollMs: 5, quietMs: 20 });
    const sink = await follow();
    appendFileSync(file, 'password: ');
    expect(await sink.until(1)).toEqual(['password: ']);
    appendFileSync(file, '\nwelcome\n');
    expect(await sink.until(2)).toEqual(['password: ', 'welcome']);
  });

  it('counts an unfinished line among the last lines if nothing has been written for a while', async () => {
    writeFileSync(file, 'a\nprompt> ');
    fs.utimesSync(file, new Date(0), new Date(0));
    const sink = await follow({ lines: 1 });
    expect(sink.texts).toEqual(['prompt> ']);
    appendFileSync(file, 'yes\n');
    expect(await sink.until(2)).toEqual(['prompt> ', 'yes']);
  });

  it('reads a rotated file to its end, joins the line that was cut, and goes on in the new file', async () => {
    const log = new RotatedLog(file);
    log.write('a\n');
    const sink = await follow();
    log.write('b\nhalf');
    log.rotate();
    log.write(' line\nc\n');
    expect(await sink.until(4)).toEqual(['a', 'b', 'half line', 'c']);
    expect(sink.gaps).toBe(0);
  });

  it('does not miss what is written between its last read of a file and the rotation', async () => {
    const log = new RotatedLog(file);
    const sink = await follow();
    log.write('a\n');
    await sink.until(1);
    const statSync = fs.statSync;
    const looking = jest.spyOn(fs, 'statSync').mockImplementation(((path: string, options: object) => {
      looking.mockRestore();
      log.write('late\n');
      log.rotate();
      log.write('new\n');
      return statSync(path, options);
    }) as typeof fs.statSync);
    appendFileSync(file, 'b\n');
    expect(await sink.until(4)).toEqual(['a', 'b', 'late', 'new']);
  });

  it('reads all files in between when several rotations happen before it looks', async () => {
    const log = new RotatedLog(file, { maxBytes: Infinity, backups: 5 });
    log.write('1\n');
    const sink = await follow();
    for (const n of [2, 3, 4, 5]) {
      log.write(`${n}\n`);
      log.rotate();
    }
    log.write('6\n');
    expect(await sink.until(6)).toEqual(['1', '2', '3', '4', '5', '6']);
    expect(sink.gaps).toBe(0);
  });

  it('says that lines were lost when files were rotated away before it looked', async () => {
    const log = new RotatedLog(file, { maxBytes: Infinity, backups: 1 });
    log.write('1\n');
    const sink = await follow();
    for (const n of [2, 3, 4]) {
      log.rotate();
      log.write(`${n}\n`);
    }
    expect(await sink.until(3)).toEqual(['1', '3', '4']);
    expect(sink.gaps).toBe(1);
  });

  it('begins again when the file is truncated', async () => {
    writeFileSync(file, 'a long first line\n');
    const sink = await follow();
    truncateSync(file);
    appendFileSync(file, 'b\n');
    expect(await sink.until(2)).toEqual(['a long first line', 'b']);
  });

  it('goes on in the file that takes the place of a deleted one, and not in older ones', async () => {
    writeFileSync(`${file}.1`, 'old\n');
    writeFileSync(file, 'a\n');
    const sink = await follow({ lines: 1 });
    rmSync(file);
    writeFileSync(file, 'b\n');
    expect(await sink.until(2)).toEqual(['a', 'b']);
    appendFileSync(file, 'c\n');
    expect(await sink.until(3)).toEqual(['a', 'b', 'c']);
    expect(sink.gaps).toBe(0);
  });

  it('reads on in a file that was moved away while there is no new one', async () => {
    writeFileSync(file, 'a\n');
    const sink = await follow();
    renameSync(file, `${file}.1`);
    appendFileSync(`${file}.1`, 'b\n');
    writeFileSync(file, 'c\n');
    expect(await sink.until(3)).toEqual(['a', 'b', 'c']);
  });

  it('sees changes by looking now and then where the system gives no watches', async () => {
    followers = LogFollowers.with({ pollMs: 5, quietMs: 5 });
    jest.spyOn(fs, 'watch').mockImplementation(() => {
      throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
    });
    const sink = await follow();
    writeFileSync(file, 'a\n');
    expect(await sink.until(1)).toEqual(['a']);
  });

  it('serves 100 followers with one reader, and each of them gets every line', async () => {
    writeFileSync(file, 'a\n');
    const sinks = await Promise.all(Array.from({ length: 100 }, () => follow()));
    expect(followers.readerCount).toBe(1);
    const reads = jest.spyOn(fs, 'readSync');
    appendFileSync(file, 'b\n');
    for (const sink of sinks) expect(await sink.until(2)).toEqual(['a', 'b']);
    expect(reads.mock.calls.length).toBeLessThan(10);
  });

  it('stops reading when the last follower has gone', async () => {
    const sinks = [await follow(), await follow()];
    open[0]?.close();
    expect(followers.readerCount).toBe(1);
    writeFileSync(file, 'a\n');
    await sinks[1]?.until(1);
    open[1]?.close();
    expect(followers.readerCount).toBe(0);
    expect(sinks[0]?.texts).toEqual([]);
  });

  it('loses and doubles nothing between the lines that were there and those that come while it begins', async () => {
    const count = 300_000;
    const writer = spawn(process.execPath, [
      join(__dirname, '../../test/fixtures/logs-rotating-writer.js'),
      file,
      `${count}`,
      '200000',
      '100',
    ]);
    const exit = once(writer, 'exit');
    const sinks: Collector[] = [];
    for (let n = 0; n < 20; n++) sinks.push(await follow({ lines: 500 }));
    expect(await exit).toEqual([0, null]);
    for (const [n, sink] of sinks.entries()) {
      await open[n]?.finish();
      const numbers = sink.texts.map((line) => Number(line.slice('line '.length)));
      const first = numbers[0] ?? 0;
      expect(numbers.every((number, at) => number === first + at)).toBe(true);
      expect(numbers.at(-1)).toBe(count);
      expect(sink.gaps).toBe(0);
    }
  });

  describe('resuming', () => {
    const after = (line: LogLine | undefined) => parsePosition(`${line?.file}-${line?.end}`);

    it('goes on exactly after the line, in another process and over rotations', async () => {
      const log = new RotatedLog(file, { maxBytes: Infinity, backups: 3 });
      log.write(asLines(numbered(1, 5)));
      const first = await follow();
      open.pop()?.close();

      log.write('line 6\nli');
      log.rotate();
      log.write('ne 7\n');
      log.rotate();
      log.write('line 8\n');
      followers = LogFollowers.with(WATCH_ONLY);
      const second = await follow({ after: after(first.lines[2]) });

      expect(second.texts).toEqual(numbered(4, 8));
      expect(second.gaps).toBe(0);
    });

    it('takes the line break after a line that was given out unfinished for its end', async () => {
      writeFileSync(file, 'prompt> ');
      const { ino } = statSync(file);
      appendFileSync(file, '\nnext\n');
      const resumed = await follow({ after: parsePosition(`${ino}-8`) });
      expect(resumed.texts).toEqual(['next']);
    });

    it('reports the gap and gives the last lines when the file of the line is gone', async () => {
      const log = new RotatedLog(file, { maxBytes: Infinity, backups: 1 });
      log.write('1\n');
      const first = await follow();
      for (const n of [2, 3, 4]) {
        log.rotate();
        log.write(`${n}\n`);
      }
      open.pop()?.close();
      const second = await follow({ lines: 1, after: after(first.lines[0]) });
      expect(second.gaps).toBe(1);
      expect(second.texts).toEqual(['4']);
    });

    it('does not take a new file with the inode of the old one for it', async () => {
      writeFileSync(file, 'new content\n');
      const { ino } = statSync(file);
      const second = await follow({ after: parsePosition(`${ino}.1-3`) });
      expect(second.gaps).toBe(1);
      expect(second.texts).toEqual(['new content']);
    });

    it('reports the gap when the file has been truncated', async () => {
      writeFileSync(file, asLines(numbered(1, 5)));
      const first = await follow();
      open.pop()?.close();
      truncateSync(file);
      appendFileSync(file, 'x\n');
      const second = await follow({ after: after(first.lines[4]) });
      expect(second.gaps).toBe(1);
      expect(second.texts).toEqual(['x']);
    });
  });

  describe('with a sink that is slow', () => {
    class SlowCollector extends Collector {
      go: () => void = () => {};

      override take(lines: readonly LogLine[]): boolean {
        super.take(lines);
        return false;
      }

      override ready(): Promise<void> {
        return new Promise((resolve) => (this.go = resolve));
      }
    }

    it('hands it nothing until it is ready, then reads what it has missed from the file', async () => {
      const log = new RotatedLog(file);
      const slow = await follow({}, new SlowCollector());
      const quick = await follow();
      log.write('1\n');
      await slow.until(1);
      log.write('2\n');
      await quick.until(2);
      log.rotate();
      log.write('3\n');
      await quick.until(3);
      expect(slow.texts).toEqual(['1']);

      const release = slow as SlowCollector;
      release.go();
      while (slow.lines.length < 3) {
        await slow.until(slow.lines.length + 1);
        release.go();
      }
      log.write('4\n');
      expect(await slow.until(4)).toEqual(['1', '2', '3', '4']);
      release.go();
      expect(slow.gaps).toBe(0);
    });
  });
});
