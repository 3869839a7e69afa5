import { type ChildProcess, spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { StatePaths } from '../config-store/state-paths';
import { MARK_VARIABLE } from '../process-table/process-mark';
import { DEFAULT_PATH } from './launcher';
import { processIdentity } from './process-identity';
import { RpcClient } from './rpc-client';
import { SupervisorHost } from './supervisor-host';
import { supervisordConfig } from './supervisord-config';

const READY_WITHIN_MS = 15_000;
const LONGEST_PAUSE_MS = 30_000;
/** A supervisord that lived longer than this is started again without a pause. */
const HEALTHY_AFTER_MS = 10_000;

/**
 * A supervisord of our own, in a session of its own so that it outlives the service, in the state
 * directory. It is started without programs; the service tells it of them.
 */
export class EmbeddedSupervisor extends SupervisorHost {
  readonly isAttached = false;
  readonly url: string;
  private readonly socket: string;
  private startedAt = 0;
  private pauseMs = 0;

  constructor(
    private readonly program: string,
    paths: StatePaths,
  ) {
    super(paths);
    this.socket = join(this.identity.socketDir, 'supervisor.sock');
    this.url = `unix://${this.socket}`;
  }

  get mark(): string {
    return `${this.identity.id}:${this.identity.process ?? ''}:`;
  }

  groupFile(owner: string): string {
    return join(this.paths.groupFiles, `hoody-${owner}.conf`);
  }

  async ensure(): Promise<void> {
    if (this.isAlive()) return;
    await this.pauseBetweenStarts();
    await this.endLeftovers();
    await this.start();
  }

  async untilGone(timeoutMs: number): Promise<boolean> {
    for (const end = Date.now() + timeoutMs; this.isAlive(); await delay(20))
      if (Date.now() > end) return false;
    return true;
  }

  private isAlive(): boolean {
    const { process } = this.identity;
    return process !== null && processIdentity(Number.parseInt(process, 10)) === process;
  }

  /** The socket file has a second name, from which it comes back. */
  repairSocket(): void {
    const hasSocket = existsSync(this.socket);
    const hasSpare = existsSync(this.spareSocket);
    if (hasSocket === hasSpare) return;
    try {
      if (hasSpare) linkSync(this.spareSocket, this.socket);
      else linkSync(this.socket, this.spareSocket);
    } catch {
      // The call itself will say what is wrong.
    }
  }

  private get spareSocket(): string {
    return `${this.socket}.spare`;
  }

  private async pauseBetweenStarts(): Promise<void> {
    if (this.startedAt === 0) return;
    const wasHealthy = Date.now() - this.startedAt > HEALTHY_AFTER_MS;
    this.pauseMs = wasHealthy ? 0 : Math.min(this.pauseMs * 2 || 250, LONGEST_PAUSE_MS);
    await delay(this.pauseMs);
  }

  private async start(): Promise<void> {
    this.startedAt = Date.now();
    const config = this.writeConfig();
    const outputFile = join(this.paths.supervisor, 'supervisord.out');
    const output = openSync(outputFile, 'w', 0o600);
    const child = this.spawn(config, output);
    closeSync(output);
    const failure = new Promise<never>((_, reject) => {
      child.once('error', reject);
      child.once('exit', (code) =>
        reject(
          new Error(
            `supervisord ended at its start (exit ${code}): ${readFileSync(outputFile, 'utf8').slice(-500)}`,
          ),
        ),
      );
    });
    failure.catch(() => undefined);
    child.unref();
    try {
      this.identity.update({ process: child.pid ? processIdentity(child.pid) : null });
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    }
    await Promise.race([this.untilReady(), failure]);
  }

  private spawn(config: string, output: number): ChildProcess {
    // The logs that it makes are its own alone; programs are given a umask of theirs.
    const umask = process.umask(0o077);
    try {
      return spawn(this.program, ['-n', '-c', config], {
        detached: true,
        cwd: '/',
        stdio: ['ignore', output, output],
        // Nothing of the service's own environment: programs would inherit it.
        env: {
          PATH: DEFAULT_PATH,
          LANG: 'C.UTF-8',
          PYTHONPATH: join(__dirname, 'bridge'),
          PYTHONDONTWRITEBYTECODE: '1',
          // Programs get another one. It finds a supervisord whose start the service did not live to note down.
          [MARK_VARIABLE]: `${this.identity.id}:supervisord:`,
        },
      });
    } finally {
      process.umask(umask);
    }
  }

  private writeConfig(): string {
    const { paths } = this;
    mkdirSync(paths.logs, { recursive: true, mode: 0o700 });
    mkdirSync(paths.groupFiles, { recursive: true, mode: 0o700 });
    // It starts empty: a file that has turned bad would keep it from starting.
    for (const file of readdirSync(paths.groupFiles))
      rmSync(join(paths.groupFiles, file), { recursive: true });
    rmSync(this.socket, { force: true });
    rmSync(this.spareSocket, { force: true });
    const file = join(paths.supervisor, 'supervisord.conf');
    writeFileSync(file, supervisordConfig(paths, this.socket, this.identity.id), { mode: 0o600 });
    return file;
  }

  private async untilReady(): Promise<void> {
    const rpc = new RpcClient(this.url, () => this.repairSocket());
    for (const end = Date.now() + READY_WITHIN_MS; ; await delay(20)) {
      try {
        await rpc.call('supervisor.getState');
        return rpc.dropConnections();
      } catch (error) {
        if (Date.now() > end) throw error;
      }
    }
  }
}
