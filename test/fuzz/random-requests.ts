import { openApi, type Operation } from '../support/operations';

/** Numbers in [0, 1) that a seed decides (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** How many of 100 values are as documented; the others are nearly so, or hostile. */
export type Mood = 'valid' | 'near' | 'hostile';

const NASTY_TEXTS = [
  '',
  ' ',
  '\0',
  '\ud800',
  'é'.normalize('NFD'),
  '../../etc/passwd',
  '%(ENV_PATH)s',
  '; rm -rf /nothing',
  '\'"`$(false)',
  '{{PORT}}',
  '[program:x]\ncommand=x',
  '__proto__',
  'constructor',
  '\u202eevil',
  '💥'.repeat(100),
  'a'.repeat(130),
  'NaN',
  '1e999',
  '-1',
  '9'.repeat(400),
];
const NASTY_VALUES: unknown[] = [
  null,
  true,
  -1,
  0,
  1.5,
  1e308,
  2 ** 53,
  [],
  {},
  [[]],
  { a: { b: { c: [1, { d: null }] } } },
  ['x'.repeat(5000)],
];

/** What is really run is harmless and soon over; a hostile command is one that no shell ever sees. */
const COMMANDS = [
  'sleep 2',
  'exec sleep 2',
  'true',
  'false',
  'echo out; echo err >&2',
  'sleep 2 & sleep 2',
  '{{PORT}}',
];
const NOT_COMMANDS = ['', '\0', null, 7, {}, [], 'true\0', '\ud800', 'x'.repeat(65_537)];

export interface Target {
  ids: string[];
  temporaryIds: string[];
  backups: string[];
  ports: { from: number; to: number };
  webhook: string;
}

export interface FuzzedRequest {
  operation: Operation;
  path: string;
  headers: Record<string, string>;
  body?: string | Buffer;
}

export class RandomRequests {
  constructor(
    private readonly random: () => number,
    private readonly target: Target,
  ) {}

  next(operations: readonly Operation[]): FuzzedRequest {
    const operation = this.pick(operations);
    const mood: Mood = this.pick(['valid', 'valid', 'near', 'near', 'hostile']);
    const path =
      operation.template.replace('{id}', () => this.id(operation, mood)) + this.query(operation, mood);
    const headers: Record<string, string> = {};
    for (const { in: place, name } of operation.parameters)
      if (place === 'header' && this.chance(0.1))
        headers[name] = this.pick(['7', 'key-1', 'key-2', 'é', 'x'.repeat(300)]);
    if (operation.method === 'GET') return { operation, path, headers };
    const body = this.body(operation, mood);
    if (body !== undefined) headers['content-type'] = this.chance(0.97) ? 'application/json' : 'text/plain';
    return { operation, path, headers, body };
  }

  private body({ body: schema }: Operation, mood: Mood): string | Buffer | undefined {
    if (!schema) return this.chance(0.8) ? undefined : '{}';
    if (mood === 'hostile' && this.chance(0.3)) {
      const deep = this.pick([10, 40, 20_000]);
      return this.pick<string | Buffer>([
        '{',
        '',
        'null',
        '[]',
        '"text"',
        '{"name":1,"name":2}',
        '{"__proto__":{"admin":true}}',
        '{"constructor":{"prototype":{}}}',
        '['.repeat(deep) + ']'.repeat(deep),
        `{"command":${'9'.repeat(1000)}}`,
        Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]),
      ]);
    }
    return JSON.stringify(this.value(schema, '', mood)) ?? 'null';
  }

  private query({ parameters }: Operation, mood: Mood): string {
    const query = new URLSearchParams();
    for (const { in: place, name, schema } of parameters) {
      if (place !== 'query' || !this.chance(0.25)) continue;
      const value = name === 'program' ? this.pick(this.target.ids) : this.value(schema ?? {}, name, mood);
      query.append(name, typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));
      if (mood === 'hostile' && this.chance(0.1)) query.append(name, '1');
    }
    if (mood === 'hostile' && this.chance(0.1)) query.append('__proto__', '1');
    const text = query.toString();
    return text && `?${text}`;
  }

  private id({ template }: Operation, mood: Mood): string {
    const { ids, temporaryIds } = this.target;
    if (mood === 'hostile' && this.chance(0.7)) return encodeId(this.pick(NASTY_TEXTS));
    return this.pick(template.includes('/quick-start/') && temporaryIds.length > 0 ? temporaryIds : ids);
  }

  private value(schema: any, name: string, mood: Mood, depth = 0): unknown {
    const special = this.special(name, mood);
    if (special !== undefined) return special.value;
    if (mood === 'hostile' && this.chance(0.15)) return this.pick([...NASTY_TEXTS, ...NASTY_VALUES]);
    if (mood === 'near' && this.chance(0.04)) return this.pick([...NASTY_TEXTS, ...NASTY_VALUES]);
    if (schema.$ref) return this.value(resolve(schema.$ref), name, mood, depth);
    if (schema.nullable && this.chance(0.2)) return null;
    const choice = schema.oneOf ?? schema.anyOf ?? schema.allOf;
    if (choice) return this.value(this.pick(choice as unknown[]), name, mood, depth);
    if (schema.enum) return this.pick(schema.enum as unknown[]);
    switch (schema.type) {
      case 'object':
        return this.object(schema, mood, depth);
      case 'array':
        return Array.from({ length: Math.floor(this.random() * 3) + (schema.minItems ?? 0) }, () =>
          this.value(schema.items ?? {}, '', mood, depth + 1),
        );
      case 'boolean':
        return this.chance(0.5);
      case 'integer':
      case 'number': {
        const { minimum = 0, maximum = 1000 } = schema;
        if (mood !== 'valid' && this.chance(0.1)) return this.pick([minimum - 1, maximum + 1]);
        return Math.floor(minimum + this.random() * (maximum - minimum + 1));
      }
      default:
        return this.pick(['a text', 'Text Number Two', 'é💥 ; # % \' "']);
    }
  }

  private object({ properties = {}, required = [] }: any, mood: Mood, depth: number): object {
    const result: Record<string, unknown> = {};
    for (const [name, schema] of Object.entries(properties)) {
      const isWanted = required.includes(name) ? mood === 'valid' || this.chance(0.95) : this.chance(0.3);
      const value = isWanted ? this.value(schema, name, mood, depth + 1) : undefined;
      if (value !== undefined) result[name] = value;
    }
    if (mood === 'hostile' && this.chance(0.2))
      result[this.pick(['unknown', 'constructor', 'toString', ''])] = 1;
    return result;
  }

  /** Fields whose values decide what really happens on this machine. */
  private special(name: string, mood: Mood): { value: unknown } | undefined {
    const isWrong = mood !== 'valid' && this.chance(mood === 'near' ? 0.05 : 0.2);
    const { from, to } = this.target.ports;
    const port = () => from + Math.floor(this.random() * (to - from + 1));
    const oneOf = (...values: unknown[]) => ({ value: this.pick(values) });
    switch (name) {
      case 'command':
        return isWrong ? oneOf(...NOT_COMMANDS) : oneOf(...COMMANDS.slice(0, -1), 'echo {{PORT}}');
      case 'user':
        return isWrong ? oneOf('nobody-there', '', 0, null, 'root\n', '../root') : oneOf('root', 'nobody');
      case 'directory':
        return isWrong ? oneOf('relative', '/nowhere', '/etc/passwd', '', '/\0') : oneOf('/', '/tmp', null);
      case 'name':
        return isWrong ? undefined : { value: `Fuzzed ${Math.floor(this.random() * 12)}` };
      case 'environment':
        return isWrong
          ? oneOf({ __proto__x: 'x' }, { 'A=B': 'x' }, { IFS: 'x' }, { A: 1 }, { A: '\0' }, [], 'x')
          : oneOf({}, { A: 'x; % "\'' }, { A: '{{PORT}}' });
      case 'port_range': {
        if (isWrong)
          return oneOf({ start: 9, end: 1 }, { start: 0, end: 9 }, { start: 1, end: 65535 }, { start: 1 }, 7);
        const start = port();
        return oneOf({ start: 0, end: 0 }, { start, end: start }, { start, end: Math.min(to, start + 2) });
      }
      case 'port':
      case 'port_from':
      case 'port_to':
        return isWrong ? undefined : { value: port() };
      case 'webhooks':
        return isWrong
          ? undefined
          : oneOf(null, { urls: [this.target.webhook], events: ['all'], timeout: 1, retry: 0 });
      case 'start_seconds':
      case 'stop_seconds':
        return isWrong ? undefined : oneOf(0, 0, 0, 1);
      case 'start_retries':
        return isWrong ? undefined : oneOf(0, 1);
      case 'autorestart':
        return isWrong ? undefined : oneOf('false', false);
      case 'timeout':
        return isWrong ? oneOf(0, 601, '1', 1.5) : { value: 1 };
      case 'wait':
        return isWrong ? undefined : oneOf(true, false);
      case 'ttl':
        return isWrong ? undefined : { value: 1 };
      case 'delay_seconds':
        return isWrong ? undefined : { value: 0 };
      case 'backup':
        return this.target.backups.length === 0 || isWrong ? undefined : oneOf(...this.target.backups);
      default:
        return undefined;
    }
  }

  private chance(share: number): boolean {
    return this.random() < share;
  }

  private pick<T>(choices: readonly T[]): T {
    return choices[Math.floor(this.random() * choices.length)]!;
  }
}

function resolve(reference: string): any {
  return openApi.components.schemas[reference.split('/').at(-1)!];
}

/** A path segment that stays one: an empty one would be another path. */
function encodeId(text: string): string {
  const id = /\p{Surrogate}/u.test(text) ? '%ed%a0%80' : encodeURIComponent(text);
  return id === '' ? '%20' : id.slice(0, 3000);
}
