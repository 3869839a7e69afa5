import fs, { type FSWatcher } from 'node:fs';
import { basename, dirname } from 'node:path';

/**
 * Tells when the file of that path changes, is renamed or comes into being. It watches the file itself, and
 * the folder only while there is no file: a folder of 1000 busy logs would wake us for all of them.
 */
export class FileWatch {
  private watcher: FSWatcher | null = null;
  private target: 'file' | 'folder' | null = null;

  constructor(
    private readonly path: string,
    private readonly onChange: () => void,
  ) {}

  /** False where the system gives no more watches: then only polling sees changes. */
  get isWatching(): boolean {
    return this.target !== null;
  }

  /** Watches what is there under that path now. Whoever calls looks once more afterwards. */
  watchFile(): void {
    this.close();
    if (!this.open('file')) this.open('folder');
  }

  watchFolder(): void {
    if (this.target === 'folder') return;
    this.close();
    this.open('folder');
  }

  close(): void {
    this.watcher?.close();
    this.watcher = null;
    this.target = null;
  }

  private open(target: 'file' | 'folder'): boolean {
    const name = basename(this.path);
    try {
      const watcher = fs.watch(target === 'file' ? this.path : dirname(this.path), { persistent: false });
      watcher.on('change', (_event, changed) => {
        if (target === 'file' || changed === name) this.onChange();
      });
      watcher.on('error', () => this.close());
      this.watcher = watcher;
      this.target = target;
      return true;
    } catch {
      return false;
    }
  }
}
