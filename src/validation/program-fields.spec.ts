import { PickType } from '@nestjs/swagger';
import fc from 'fast-check';
import { programFromFields } from './program-from-fields';
import { ProgramEditFieldsDto, ProgramFieldsDto } from './program-fields.dto';
import { validateFields } from './validate-fields';

const MINIMAL = { name: 'Web', command: './run', user: 'app' };
const HOOKS = { urls: ['https://hooks.example.com/x'] };

function problemsOf(fields: object): { field: string; message: string }[] {
  return validateFields(ProgramFieldsDto, { ...MINIMAL, ...fields }).problems ?? [];
}

function accepted(fields: object): ProgramFieldsDto {
  const { fields: dto, problems } = validateFields(ProgramFieldsDto, { ...MINIMAL, ...fields });
  if (problems) throw new Error(JSON.stringify(problems));
  return dto;
}

/** Every optional field, what it takes and what it does not. */
const FIELDS: Record<string, { good: unknown[]; bad: unknown[]; says: RegExp }> = {
  name: {
    good: ['a', 'x'.repeat(128), '😀'.repeat(128), 'Café "1"\n'],
    bad: ['', 'x'.repeat(129), '😀'.repeat(129), 5, null, ['a'], {}],
    says: /^name must be a string of 1 to 128 characters$/,
  },
  description: {
    good: ['', 'x'.repeat(500), null],
    bad: ['x'.repeat(501), 5, true, []],
    says: /^description must be a string of 0 to 500 characters$/,
  },
  command: {
    good: ['ls', 'x'.repeat(65_536), 'a;b # % \'"\\ \n {{PORT}}', '😀'.repeat(65_536)],
    bad: ['', 'x'.repeat(65_537), 1, null, ['ls']],
    says: /^command must be a string of 1 to 65536 characters$/,
  },
  user: { good: ['root', 'www-data'], bad: ['', null, 0], says: /^user must be a string/ },
  enabled: {
    good: [true, false, null],
    bad: ['true', 1, 0, 'no', []],
    says: /^enabled must be true or false$/,
  },
  port_range: {
    good: [{ start: 0, end: 0 }, { start: 3000, end: 3010 }, { start: -5, end: 70000 }, null],
    bad: [3000, '3000-3010', [], [{ start: 1, end: 1 }], true],
    says: /^port_range must be an object$/,
  },
  port_param: {
    good: ['--port', '-p', '', null],
    bad: [5, {}, 'x'.repeat(1025)],
    says: /^port_param must be a string/,
  },
  directory: {
    good: ['/', '/srv/äöü', null],
    bad: ['srv', './srv', '~/srv', '', 5, []],
    says: /^directory must be an absolute path/,
  },
  environment: {
    good: [
      {},
      { A: '' },
      { _a1: 'x;%\n"é' },
      { PORT: '1', PATH: '/x', constructor: 'c', toString: 't' },
      null,
    ],
    bad: [[], 'A=1', 5, [['A', '1']]],
    says: /^environment must be an object whose values are strings$/,
  },
  autorestart: {
    good: ['true', 'false', 'unexpected', true, false, null],
    bad: ['always', 1, 'TRUE', ''],
    says: /^autorestart must be one of "true", "false", "unexpected"$/,
  },
  start_seconds: integer('start_seconds', 0, 300),
  start_retries: integer('start_retries', 0, 100),
  stop_signal: {
    good: ['TERM', 'HUP', 'INT', 'QUIT', 'KILL', 'USR1', 'USR2', null],
    bad: ['SIGTERM', 'term', 15, ''],
    says: /^stop_signal must be one of "TERM", /,
  },
  stop_seconds: integer('stop_seconds', 0, 300),
  priority: integer('priority', 1, 999),
  delay_seconds: integer('delay_seconds', 0, 3600),
  boot: {
    good: ['restore', 'always', 'never', null],
    bad: ['Always', true, ''],
    says: /^boot must be one of/,
  },
  logs_enabled: {
    good: [true, false, null],
    bad: ['false', 0],
    says: /^logs_enabled must be true or false$/,
  },
  log_max_bytes: {
    good: [0, 1, 2 ** 40, null],
    bad: [-1, 1.5, '5MB', 2 ** 60],
    says: /^log_max_bytes must be an integer not below 0$/,
  },
  log_backups: integer('log_backups', 0, 100),
  webhooks: {
    good: [HOOKS, null],
    bad: ['https://x', [HOOKS], 5, true],
    says: /^webhooks must be an object$/,
  },
};

function integer(field: string, min: number, max: number): { good: unknown[]; bad: unknown[]; says: RegExp } {
  return {
    good: [min, max, null],
    bad: [min - 1, max + 1, min + 0.5, String(min), true, [min], {}],
    says: new RegExp(`^${field} must be an integer from ${min} to ${max}$`),
  };
}

describe.each(Object.entries(FIELDS))('%s', (field, { good, bad, says }) => {
  it('takes its good values', () => {
    for (const value of good) expect([value, problemsOf({ [field]: value })]).toEqual([value, []]);
  });

  it('refuses its bad values with words that say what it takes', () => {
    for (const value of bad)
      expect([value, problemsOf({ [field]: value })]).toEqual([
        value,
        [{ field, message: expect.stringMatching(says) as string }],
      ]);
  });
});

it.each<[string, object, string, string]>([
  ['port_range', { port_range: { start: '1', end: 1 } }, 'port_range.start', 'must be an integer'],
  ['port_range', { port_range: { start: 1 } }, 'port_range.end', 'is required'],
  ['port_range', { port_range: { start: 1, end: 2, step: 1 } }, 'port_range.step', 'is not a known field'],
  ['port_range', { port_range: { start: 1.5, end: 2 } }, 'port_range.start', 'must be an integer'],
  ['environment', { environment: { A: 5 } }, 'environment.A', 'must be a string'],
  ['environment', { environment: { A: null } }, 'environment.A', 'must be a string'],
  ['environment', { environment: { A: { constructor: 1 } } }, 'environment.A', 'must be a string'],
  [
    'environment',
    { environment: { '1A': '' } },
    'environment.1A',
    'is not a name of an environment variable',
  ],
  [
    'environment',
    { environment: { 'A B': '' } },
    'environment["A B"]',
    'is not a name of an environment variable',
  ],
  ['environment', { environment: { '': '' } }, 'environment[""]', 'is not a name of an environment variable'],
  ['environment', { environment: { Ä: '' } }, 'environment["Ä"]', 'is not a name of an environment variable'],
  ['environment', { environment: { A: 'x'.repeat(100_001) } }, 'environment.A', 'longer than 100000 bytes'],
  ['environment', { environment: { A: 'é'.repeat(50_001) } }, 'environment.A', 'longer than 100000 bytes'],
  ['environment', { environment: { A: 'a\0' } }, 'environment.A', 'must not contain NUL'],
  ['environment', { environment: { A: '\ud800' } }, 'environment.A', 'must be valid Unicode'],
  ...['IFS', 'PWD', 'OLDPWD', 'PPID', 'OPTIND'].map((name): [string, object, string, string] => [
    'environment',
    { environment: { [name]: '' } },
    `environment.${name}`,
    'is a name that cannot be set',
  ]),
  ['webhooks', { webhooks: {} }, 'webhooks.urls', 'is required'],
  ['webhooks', { webhooks: { urls: [] } }, 'webhooks.urls', 'must be a list of 1 to 10 URLs'],
  ['webhooks', { webhooks: { urls: null } }, 'webhooks.urls', 'must be a list of 1 to 10 URLs'],
  ['webhooks', { webhooks: { urls: 'https://x.y' } }, 'webhooks.urls', 'must be a list of 1 to 10 URLs'],
  [
    'webhooks',
    { webhooks: { urls: ['https://x.y', 'ftp://x.y'] } },
    'webhooks.urls[1]',
    'must be an http or https URL',
  ],
  ['webhooks', { webhooks: { ...HOOKS, events: ['FATAL', 'BAD'] } }, 'webhooks.events[1]', 'must be one of'],
  ['webhooks', { webhooks: { ...HOOKS, headers: { Host: 'x' } } }, 'webhooks.headers.Host', 'cannot be set'],
  [
    'webhooks',
    { webhooks: { ...HOOKS, timeout: 61 } },
    'webhooks.timeout',
    'must be an integer from 1 to 60',
  ],
  ['webhooks', { webhooks: { ...HOOKS, url: 'https://x.y' } }, 'webhooks.url', "did you mean 'urls'?"],
])('points into %s: %j', (_, fields, field, message) => {
  expect(problemsOf(fields)).toEqual([{ field, message: expect.stringContaining(message) as string }]);
  expect(problemsOf(fields)[0]!.message).toContain(field);
});

describe('webhooks', () => {
  const hooks = (fields: object) => problemsOf({ webhooks: { ...HOOKS, ...fields } }).map((p) => p.field);

  it.each([
    'http://a',
    'https://hooks.example.com:8443/a?b=c#d',
    'http://10.0.0.1/',
    'https://[::1]/',
    'https://münchen.de',
  ])('accepts the URL %s', (url) => expect(hooks({ urls: [url] })).toEqual([]));

  it.each([
    'hooks.example.com',
    'file:///etc/passwd',
    'http://',
    'http:///x',
    'https:x.y',
    'http://a b',
    'http://a\n',
    ' http://a',
    'http:\\\\a',
    'http://a:99999',
    'https://user@x.y',
    'https://user:pass@x.y',
    `https://x.y/${'a'.repeat(2048)}`,
    'https://x.y/\0',
    'https://x.y/\ud800',
    5,
    null,
  ])('refuses the URL %j', (url) => expect(hooks({ urls: [url] })).toEqual(['webhooks.urls[0]']));

  it.each([
    [{ 'X-Key': 'abc', constructor: 'x', toString: 'y' }, []],
    [{ 'X-Key': '' }, []],
    [{ 'X-Key': 'caf\u00e9\t' }, []],
    [{ 'X Key': 'a' }, ['webhooks.headers["X Key"]']],
    [{ '': 'a' }, ['webhooks.headers[""]']],
    [{ 'X-Key': 'a\r\nHost: b' }, ['webhooks.headers.X-Key']],
    [{ 'X-Key': 'a\0' }, ['webhooks.headers.X-Key']],
    [{ 'X-Key': '😀' }, ['webhooks.headers.X-Key']],
    [{ 'X-Key': 5 }, ['webhooks.headers.X-Key']],
    [{ 'content-length': '5' }, ['webhooks.headers.content-length']],
    [{ 'Transfer-Encoding': 'chunked' }, ['webhooks.headers.Transfer-Encoding']],
    [{ connection: 'close' }, ['webhooks.headers.connection']],
    [{ 'Webhook-Signature': 'v1,x' }, ['webhooks.headers.Webhook-Signature']],
    [Object.fromEntries(Array.from({ length: 21 }, (_, i) => [`x-${i}`, ''])), ['webhooks.headers']],
    [['a'], ['webhooks.headers']],
  ])('with the headers %j has problems with %j', (headers, expected) => {
    expect(hooks({ headers })).toEqual(expected);
  });

  it.each([
    ['s', true],
    ['s'.repeat(512), true],
    ['s'.repeat(513), false],
    ['', false],
    [null, true],
    [5, false],
    ['whsec_', false],
    ['whsec_!!!', false],
    ['whsec_YQ==', true],
    ['whsec_YQ', true],
    ['whsec_YQ=', false],
    ['whsec_Y', false],
    [`whsec_${Buffer.alloc(512).toString('base64')}`, true],
    [`whsec_${Buffer.alloc(513).toString('base64')}`, false],
    ['a\0', false],
  ])('accepts the secret %j: %s', (secret, good) => {
    expect(hooks({ secret })).toEqual(good ? [] : ['webhooks.secret']);
  });

  it('takes null as the default of each optional field', () => {
    expect(
      hooks({ enabled: null, events: null, headers: null, timeout: null, retry: null, secret: null }),
    ).toEqual([]);
  });
});

describe('every text field', () => {
  const texts = ['name', 'description', 'command', 'user', 'port_param'];

  it.each(texts)('%s refuses NUL and lone surrogates', (field) => {
    expect(problemsOf({ [field]: 'a\0b' })).toEqual([
      { field, message: `${field} must not contain NUL characters` },
    ]);
    for (const half of ['\ud800', 'a\udfff', '\udc00\ud800'])
      expect(problemsOf({ [field]: half })[0]?.message).toBe(
        `${field} must be valid Unicode, it contains half of a surrogate pair`,
      );
  });

  it.each(texts)('%s keeps any well-formed Unicode as it is', (field) => {
    const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 128 }).filter((s) => !s.includes('\0'));
    fc.assert(
      fc.property(text, (value) => accepted({ [field]: value })[field as 'name'] === value),
      { numRuns: 300 },
    );
  });

  it('environment keeps any well-formed value under any valid name', () => {
    const name = fc
      .stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,20}$/)
      .filter((n) => !['IFS', 'PWD', 'OLDPWD', 'PPID', 'OPTIND', '__proto__'].includes(n));
    const value = fc.string({ unit: 'binary' }).filter((s) => !s.includes('\0'));
    fc.assert(
      fc.property(fc.dictionary(name, value, { noNullPrototype: true }), (environment) => {
        expect(accepted({ environment }).environment).toEqual(environment);
      }),
      { numRuns: 300 },
    );
  });

  it('no JSON value at all makes validation throw', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...Object.keys(FIELDS), 'x'), fc.jsonValue()), (body) => {
        validateFields(ProgramFieldsDto, JSON.parse(JSON.stringify(body)) as object);
      }),
      { numRuns: 500 },
    );
  });
});

describe('keys that mean something to JavaScript', () => {
  const parsed = (json: string) => JSON.parse(json) as object;

  it.each(['__proto__', 'constructor', 'prototype', 'hasOwnProperty', 'toString', '__defineGetter__'])(
    'the field %s is not known',
    (key) => {
      const problems = problemsOf(parsed(`{"${key}": {"enabled": false}}`));
      // A spread copies an own __proto__ as any other key.
      expect(problems.map((p) => p.message)).toEqual([`'${key}' is not a known field`]);
      expect(({} as Record<string, unknown>).enabled).toBeUndefined();
    },
  );

  it('environment refuses __proto__, and nothing is polluted', () => {
    const problems = problemsOf(parsed('{"environment": {"__proto__": "x"}}'));
    expect(problems).toEqual([
      { field: 'environment.__proto__', message: 'environment.__proto__ is a name that cannot be set' },
    ]);
  });

  it('environment keeps constructor, prototype and toString as ordinary names', () => {
    const environment = { constructor: 'a', prototype: 'b', toString: 'c', hasOwnProperty: 'd' };
    const dto = accepted({ environment });
    expect(Object.entries(dto.environment!)).toEqual(Object.entries(environment));
    const program = programFromFields(dto, { id: 'web', hoody_kit: false });
    expect(JSON.stringify(program.environment)).toBe(JSON.stringify(environment));
  });
});

it('accepts what GET gave, and drops what is read-only', () => {
  const dto = accepted({
    id: 'other',
    hoody_kit: true,
    status: { pid: 1 },
    stats: null,
    webhooks: { ...HOOKS, secret_set: true },
  });
  for (const key of ['id', 'hoody_kit', 'status', 'stats']) expect(dto).not.toHaveProperty(key);
  expect(dto.webhooks).not.toHaveProperty('secret_set');
});

it('names an unknown field, and the one that was probably meant', () => {
  expect(problemsOf({ comand: 'x', nonsense: 1 })).toEqual([
    { field: 'comand', message: "'comand' is not a known field; did you mean 'command'?" },
    { field: 'nonsense', message: "'nonsense' is not a known field" },
  ]);
});

it('names every required field that is missing', () => {
  expect(
    validateFields(ProgramFieldsDto, {})
      .problems?.map((p) => p.message)
      .sort(),
  ).toEqual(['command is required', 'name is required', 'user is required']);
});

it('answers no more problems than a person can read', () => {
  const fields = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`x${i}`, 1]));
  expect(problemsOf(fields)).toHaveLength(20);
});

describe('an edit', () => {
  const edit = (fields: object) => validateFields(ProgramEditFieldsDto, fields);

  it('needs no field', () => expect(edit({}).problems).toBeNull());

  it('leaves absent fields absent', () => {
    expect(Object.keys(edit({ id: 'x', name: 'b' }).fields!)).toEqual(['name']);
  });

  it.each(['name', 'command', 'user'])('cannot take %s away', (field) => {
    expect(edit({ [field]: null }).problems).toEqual([
      { field, message: expect.stringContaining('must be a string') as string },
    ]);
  });

  it('takes null for an optional field', () => {
    expect(
      edit({ description: null, port_range: null, webhooks: null, environment: null }).problems,
    ).toBeNull();
  });

  it('checks fields as an add does, at any depth', () => {
    const problems = edit({
      start_seconds: 301,
      port_range: { start: 1 },
      webhooks: { retry: 6, urls: ['x'] },
    }).problems;
    expect(problems?.map((p) => p.field).sort()).toEqual([
      'port_range.end',
      'start_seconds',
      'webhooks.retry',
      'webhooks.urls[0]',
    ]);
  });

  it('accepts webhooks without URLs: they are merged', () => {
    expect(edit({ webhooks: { enabled: false } }).problems).toBeNull();
    expect(edit({ webhooks: { urls: null } }).problems).toHaveLength(1);
  });

  it('keeps an autorestart given as a JSON boolean as a string', () => {
    expect(edit({ autorestart: false }).fields?.autorestart).toBe('false');
  });
});

it('lets other DTOs pick fields with all their rules', () => {
  class Picked extends PickType(ProgramFieldsDto, ['command', 'environment', 'port_range']) {}
  const { problems } = validateFields(Picked, {
    command: '',
    port_range: {},
    environment: { constructor: 5 },
    boot: 'never',
  });
  expect(problems?.map((p) => p.field).sort()).toEqual([
    'boot',
    'command',
    'environment.constructor',
    'port_range.end',
    'port_range.start',
  ]);
});
