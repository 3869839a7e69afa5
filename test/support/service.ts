import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expectValidResponse } from './validate-response';

const MAIN = join(__dirname, '..', '..', 'dist', 'main.js');
const BASE_PATH = '/api/v1/daemon';
const READY_WITHIN_MS = 20_000;

export interface Answer<T = any> {
  status: number;
  body: T;
  headers: Headers;
}

export interface ServiceOptions {
  /** Settings beside those that a test needs anyway. */
  env?: Record<string, string>;
  /** An existing state directory; it is kept at the end. */
  stateDir?: string;
  /** Runs it as another user than the tests; it must be able to read the checkout and own `stateDir`. */
  runAs?: { uid: number; gid: number };
}

/** The built service, with a real supervisord, in a state directory of its own. */
export class Service {
  readonly stateDir: string;
  private readonly ownsStateDir: boolean;
  private child: ChildProcess | null = null;
  /** Everything that it has printed, over all its runs. */
  output = '';
  address = '';

  constructor(private readonly options: ServiceOptions = {}) {
    this.ownsStateDir = options.stateDir === undefined;
    this.stateDir = options.stateDir ?? temporaryFolder();
  }

  /** @returns the service, listening */
  static async start(options: ServiceOptions = {}): Promise<Service> {
    const service = new Service(options);
    await service.start();
    return service;
  }

  get pid(): number {
    return this.child!.pid!;
  }

  /** The embedded supervisord, as of now. */
  get supervisorPid(): number {
    const identity = JSON.parse(readFileSync(join(this.stateDir, 'supervisor', 'identity.json'), 'utf8'));
    return Number.parseInt(identity.process, 10);
  }

  /** Also again, after it has ended. */
  async start(): Promise<void> {
    if (!existsSync(MAIN)) throw new Error('dist/main.js is missing: run "npm run build" first.');
    const child = this.spawn();
    let run = '';
    const isListening = new Promise<void>((resolve, reject) => {
      const read = (text: string) => {
        run += text;
        const address = /API\s+(http(?:\+unix)?:\/\/\S+?)\/api\/v1\/daemon/.exec(run)?.[1];
        if (!address) return;
        this.address = address;
        resolve();
      };
      child.stdout!.on('data', read);
      child.stderr!.on('data', read);
      child.once('exit', (code) => reject(new Error(`The service ended with ${code}:\n${run}`)));
      setTimeout(() => reject(new Error(`The service does not listen:\n${run}`)), READY_WITHIN_MS).unref();
    });
    await isListening;
  }

  /** Starts it and waits for its end. For starts that must fail. */
  async startToFail(): Promise<{ code: number | null; output: string }> {
    const child = this.spawn();
    const [code] = (await once(child, 'exit')) as [number | null];
    this.child = null;
    return { code, output: this.output };
  }

  private spawn(): ChildProcess {
    const child = spawn(process.execPath, [MAIN], {
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        DAEMON_STATE_DIR: this.stateDir,
        DAEMON_PORT: '0',
        DAEMON_LOG_LEVEL: 'warn',
        // So that the tests can be run on another version of supervisord.
        ...(process.env.DAEMON_SUPERVISORD && { DAEMON_SUPERVISORD: process.env.DAEMON_SUPERVISORD }),
        ...this.options.env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...this.options.runAs,
    });
    this.child = child;
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    return child;
  }

  /** @param signal SIGKILL for a crash */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    const { child } = this;
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const exited = once(child, 'exit') as Promise<[number | null]>;
    child.kill(signal);
    const [code] = await exited;
    this.child = null;
    return code;
  }

  /** Ends the service, its supervisord and all programs; removes the state directory. */
  async dispose(): Promise<void> {
    await this.end('SIGKILL');
    const pid = this.supervisorAlive();
    if (pid !== null) {
      process.kill(pid, 'SIGCONT');
      process.kill(pid, 'SIGTERM');
      for (let i = 0; i < 500 && isAlive(pid); i++) await delay(20);
      if (isAlive(pid)) process.kill(pid, 'SIGKILL');
    }
    if (this.ownsStateDir) rmSync(this.stateDir, { recursive: true, force: true });
  }

  private supervisorAlive(): number | null {
    try {
      const pid = this.supervisorPid;
      return isAlive(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(this.stateDir)
        ? pid
        : null;
    } catch {
      return null;
    }
  }

  /** A request whose answer is checked against openapi.json. @param path below the base path, or absolute */
  async request<T = any>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer<T>> {
    const fullPath = path.startsWith('/') ? path : `${BASE_PATH}/${path}`;
    const response = await fetch(this.address + fullPath, {
      method,
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') === true;
    const answer = {
      status: response.status,
      body: isJson ? JSON.parse(text) : text,
      headers: response.headers,
    };
    if (isJson && fullPath.startsWith(BASE_PATH))
      expectValidResponse(method, fullPath.split('?')[0]!, answer.status, answer.body);
    return answer;
  }

  get<T = any>(path: string, headers?: Record<string, string>): Promise<Answer<T>> {
    return this.request<T>('GET', path, undefined, headers);
  }

  post<T = any>(path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer<T>> {
    return this.request<T>('POST', path, body, headers);
  }

  /** Adds a program that runs for ever unless the fields say otherwise. @returns its id */
  async add(fields: Record<string, unknown> = {}): Promise<string> {
    const name = `program-${++programs}`;
    const { status, body } = await this.post('programs/add', {
      name,
      command: 'sleep 1000',
      user: 'root',
      start_seconds: 0,
      ...fields,
    });
    if (status !== 201) throw new Error(`add answered ${status}: ${JSON.stringify(body)}`);
    return body.program.id;
  }

  /** Asks until the answer is as wanted. */
  async until<T = any>(path: string, isAsWanted: (body: T) => boolean, withinMs = 15_000): Promise<T> {
    let last: unknown;
    for (const end = Date.now() + withinMs; Date.now() < end; await delay(10)) {
      const { body } = await this.get<T>(path);
      if (isAsWanted(body)) return body;
      last = body;
    }
    throw new Error(`GET ${path} did not come out as wanted; last: ${JSON.stringify(last)}`);
  }
}

let programs = 0;

/** Reachable for programs of other users. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'hoody-e2e-'));
  chmodSync(folder, 0o711);
  return folder;
}

/** A zombie does not count. */
export function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
