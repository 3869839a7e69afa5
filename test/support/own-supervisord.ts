import { spawn, execFile, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { connect } from 'supervisord';
import { isAlive, temporaryFolder } from './service';

const BRIDGE_FOLDER = resolve(__dirname, '../../src/supervisor/bridge');
const READY_WITHIN_MS = 15_000;

export interface OwnSupervisordOptions {
  /** Whether it loads the bridge. */
  bridge: boolean;
  /** Listens here with user "owner" and password "s3cret" in place of a unix socket. */
  port?: number;
}

/** A supervisord that somebody runs for programs of their own: "web" always runs, "worker" is stopped. */
export class OwnSupervisord {
  readonly folder = temporaryFolder();
  readonly confDir = join(this.folder, 'conf.d');
  private child: ChildProcess | null = null;

  constructor(private readonly options: OwnSupervisordOptions) {
    mkdirSync(this.confDir);
    writeFileSync(
      join(this.confDir, 'owner.conf'),
      [
        '[program:web]\ncommand=/bin/sleep 1000\nautostart=true\nstartsecs=0\nstdout_logfile=NONE\nstderr_logfile=NONE\n',
        '[program:worker]\ncommand=/bin/sleep 1000\nautostart=false\nstdout_logfile=NONE\nstderr_logfile=NONE\n',
      ].join('\n'),
    );
    const { port, bridge } = options;
    writeFileSync(
      this.configFile,
      `${
        port
          ? `[inet_http_server]\nport=127.0.0.1:${port}\nusername=owner\npassword=s3cret\n`
          : `[unix_http_server]\nfile=${this.folder}/s.sock\nchmod=0700\n`
      }
[supervisord]
nodaemon=true
user=${process.getuid?.() === 0 ? 'root' : ''}
logfile=${this.folder}/s.log
pidfile=${this.folder}/s.pid
childlogdir=${this.folder}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
${bridge ? '[rpcinterface:hoody]\nsupervisor.rpcinterface_factory=hoody_bridge:make_bridge\n' : ''}
[supervisorctl]
serverurl=${port ? `http://127.0.0.1:${port}` : `unix://${this.folder}/s.sock`}
username=owner
password=s3cret
[include]
files=${this.confDir}/*.conf
`,
    );
  }

  get url(): string {
    const { port } = this.options;
    return port ? `http://owner:s3cret@127.0.0.1:${port}` : `unix://${this.folder}/s.sock`;
  }

  /** What makes a service use it. */
  get env(): Record<string, string> {
    return { DAEMON_SUPERVISOR_URL: this.url, DAEMON_SUPERVISOR_CONF_DIR: this.confDir };
  }

  get pid(): number {
    return this.child!.pid!;
  }

  get log(): string {
    return readFileSync(join(this.folder, 's.log'), 'utf8');
  }

  async start(): Promise<this> {
    const child = spawn(process.env.DAEMON_SUPERVISORD ?? 'supervisord', ['-n', '-c', this.configFile], {
      env: { PATH: process.env.PATH, PYTHONPATH: BRIDGE_FOLDER, PYTHONDONTWRITEBYTECODE: '1' },
      stdio: 'ignore',
    });
    this.child = child;
    for (const end = Date.now() + READY_WITHIN_MS; ; await delay(20)) {
      try {
        if ((await this.infoOf('web')).statename === 'RUNNING') return this;
      } catch (error) {
        if (child.exitCode !== null) throw new Error(`supervisord ended: ${this.log}`);
        if (Date.now() > end) throw error;
      }
    }
  }

  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const { child } = this;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }

  /** @returns the output, also of a call that ended with another status than 0 */
  async ctl(...args: string[]): Promise<string> {
    const program = (process.env.DAEMON_SUPERVISORD ?? 'supervisord').replace(/d$/, 'ctl');
    return await promisify(execFile)(program, ['-c', this.configFile, ...args]).then(
      ({ stdout }) => stdout,
      (error: { stdout: string }) => error.stdout,
    );
  }

  async infoOf(name: string): Promise<{ statename: string; pid: number; start: number }> {
    return await new Promise((succeed, fail) => {
      connect(this.url)._call('supervisor.getProcessInfo', [name], (error, answer) =>
        error ? fail(error) : succeed(answer as never),
      );
    });
  }

  async dispose(): Promise<void> {
    const { child } = this;
    if (child && isAlive(child.pid!)) {
      child.kill('SIGCONT');
      await this.end();
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  private get configFile(): string {
    return join(this.folder, 'supervisord.conf');
  }
}
