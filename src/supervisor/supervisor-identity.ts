import { randomUUID } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StatePaths } from '../config-store/state-paths';

interface IdentityFile {
  /** The state directory: a copy of it elsewhere must not take the original's programs for its own. */
  root: string;
  /** Made once per state directory; marks its programs' processes. */
  id: string;
  /** `<pid>-<start time>` of the embedded supervisord. */
  process: string | null;
  epoch: string | null;
  /** Holds the sockets. */
  socketDir: string;
}

/** supervisord binds `<path>.<pid>` first, and the system allows 107 bytes. */
const LONGEST_SOCKET_DIR = 80;

/** What must be remembered of supervisord from one run of the service to the next. */
export class SupervisorIdentity {
  private readonly file: string;
  private content: IdentityFile;

  constructor(private readonly paths: StatePaths) {
    this.file = join(paths.supervisor, 'identity.json');
    const fresh = { root: paths.root, id: randomUUID(), process: null, epoch: null, socketDir: '' };
    const stored = this.read();
    this.content = stored?.root === paths.root ? stored : fresh;
    if (!isPrivateFolder(this.content.socketDir)) this.update({ socketDir: this.makeSocketDir() });
  }

  get id(): string {
    return this.content.id;
  }

  get process(): string | null {
    return this.content.process;
  }

  get epoch(): string | null {
    return this.content.epoch;
  }

  get socketDir(): string {
    return this.content.socketDir;
  }

  update(change: Partial<IdentityFile>): void {
    this.content = { ...this.content, ...change };
    const temporary = `${this.file}.tmp`;
    writeFileSync(temporary, `${JSON.stringify(this.content, null, 2)}\n`, { mode: 0o600, flush: true });
    renameSync(temporary, this.file);
  }

  private read(): IdentityFile | null {
    try {
      return JSON.parse(readFileSync(this.file, 'utf8')) as IdentityFile;
    } catch {
      return null;
    }
  }

  private makeSocketDir(): string {
    const near = this.paths.supervisor;
    if (Buffer.byteLength(near) > LONGEST_SOCKET_DIR) return mkdtempSync(join(tmpdir(), 'hoody-daemon-'));
    mkdirSync(near, { recursive: true, mode: 0o700 });
    chmodSync(near, 0o700);
    return near;
  }
}

function isPrivateFolder(path: string): boolean {
  try {
    const stat = statSync(path);
    return stat.isDirectory() && stat.uid === process.geteuid?.() && (stat.mode & 0o077) === 0;
  } catch {
    return false;
  }
}
