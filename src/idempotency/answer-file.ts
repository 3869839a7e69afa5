import { open, readFile, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Mutex } from 'async-mutex';

const OWNER_ONLY = 0o600;

interface Pending {
  line: string;
  resolve: () => void;
  reject: (error: unknown) => void;
}

/**
 * Lines that survive kill -9 and a power cut once `append` has resolved. Appending was chosen over rewriting the
 * file for each answer, which costs as much as all that is remembered; answers that arrive together share one
 * fsync. The file is readable by its owner only.
 */
export class AnswerFile {
  private handle: FileHandle | null = null;
  private pending: Pending[] = [];
  private readonly access = new Mutex();
  /** The last line is torn: what comes next begins on a line of its own. */
  private isTorn = false;
  private written = 0;

  constructor(readonly path: string) {}

  get bytes(): number {
    return this.written;
  }

  /** All whole and torn lines, oldest first; none if there is no file yet. */
  async read(): Promise<string[]> {
    const text = await readFile(this.path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return '';
      throw error;
    });
    this.written = Buffer.byteLength(text);
    this.isTorn = text !== '' && !text.endsWith('\n');
    return text.split('\n').filter((line) => line !== '');
  }

  /** Resolves when the line is on disk. */
  append(line: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.pending.push({ line, resolve, reject });
      if (this.pending.length === 1) void this.access.runExclusive(() => this.writePending());
    });
  }

  /** Puts lines in the place of all that was written before; which ones is asked when their turn has come. */
  replace(lines: () => readonly string[]): Promise<void> {
    return this.access.runExclusive(async () => {
      const text = lines()
        .map((line) => `${line}\n`)
        .join('');
      await replaceDurably(this.path, text);
      await this.handle?.close();
      this.handle = null;
      this.isTorn = false;
      this.written = Buffer.byteLength(text);
    });
  }

  close(): Promise<void> {
    return this.access.runExclusive(async () => {
      await this.handle?.close();
      this.handle = null;
    });
  }

  private async writePending(): Promise<void> {
    const batch = this.pending;
    this.pending = [];
    try {
      await this.write(batch.map(({ line }) => `${line}\n`).join(''));
      for (const { resolve } of batch) resolve();
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  private async write(text: string): Promise<void> {
    this.handle ??= await openForAppending(this.path);
    const whole = this.isTorn ? `\n${text}` : text;
    this.isTorn = true;
    await this.handle.appendFile(whole);
    await this.handle.datasync();
    this.isTorn = false;
    this.written += Buffer.byteLength(whole);
  }
}

async function openForAppending(path: string): Promise<FileHandle> {
  const handle = await open(path, 'a', OWNER_ONLY);
  await handle.chmod(OWNER_ONLY);
  await syncFolderOf(path);
  return handle;
}

async function replaceDurably(path: string, text: string): Promise<void> {
  const draft = `${path}.new`;
  try {
    await writeDurably(draft, text);
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
  await syncFolderOf(path);
}

async function writeDurably(path: string, text: string): Promise<void> {
  const handle = await open(path, 'w', OWNER_ONLY);
  try {
    await handle.chmod(OWNER_ONLY);
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A new name in a folder is durable when the folder is. */
async function syncFolderOf(path: string): Promise<void> {
  const folder = await open(dirname(path), 'r');
  await folder.sync().finally(() => folder.close());
}
