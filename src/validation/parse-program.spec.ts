import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROGRAM_DEFAULTS } from '../domain/program';
import { ContentError } from './content-error';
import { parseEphemerals } from './parse-ephemeral';
import { parseDefaultPrograms, parseStoredPrograms } from './parse-program';

const WEB = { name: 'Web', command: './run', user: 'app' };

function problemOf(parse: () => unknown): { field: string | null; message: string } {
  try {
    parse();
  } catch (error) {
    expect(error).toBeInstanceOf(ContentError);
    const { field, message } = error as ContentError;
    return { field, message };
  }
  throw new Error('was accepted');
}

describe('programs.json', () => {
  it('may leave out whatever has a default', () => {
    expect(parseStoredPrograms([WEB])).toEqual([
      { ...PROGRAM_DEFAULTS, ...WEB, id: 'web', hoody_kit: false, wanted: [], previous: null },
    ]);
  });

  it('keeps what the service remembers', () => {
    const previous = { ...WEB, id: 'web', command: './old' };
    const [program] = parseStoredPrograms([{ ...WEB, id: 'old-id', hoody_kit: true, wanted: [0], previous }]);
    expect(program).toMatchObject({
      id: 'old-id',
      hoody_kit: true,
      wanted: [0],
      previous: { command: './old' },
    });
    expect(program?.previous).not.toHaveProperty('wanted');
  });

  it('reads back what it gave', () => {
    const programs = parseStoredPrograms([
      { ...WEB, environment: { constructor: 'x' }, webhooks: { urls: ['https://a.example'], secret: 's' } },
      { ...WEB, name: 'Api', port_range: { start: 3000, end: 3002 }, wanted: [3001], port_param: '-p' },
    ]);
    expect(parseStoredPrograms(JSON.parse(JSON.stringify(programs)))).toEqual(programs);
  });

  it('forgets wanted ports that the range no longer has', () => {
    const range = { port_range: { start: 3000, end: 3001 } };
    expect(parseStoredPrograms([{ ...WEB, ...range, wanted: [3001, 3005] }])[0]?.wanted).toEqual([3001]);
  });

  const second = (fields: object) => [WEB, { ...WEB, name: 'Second', ...fields }];
  it.each<[string, unknown, string | null, string]>([
    ['an object', {}, null, 'the file must hold a list of programs, in [ ]'],
    ['null', null, null, 'the file must hold a list of programs, in [ ]'],
    ['a string in the list', [WEB, 'x'], '[1]', '[1] must be a program, that is an object'],
    [
      'a bad number',
      second({ start_seconds: 301 }),
      '[1].start_seconds',
      '[1].start_seconds must be an integer from 0 to 300',
    ],
    ['a missing command', second({ command: undefined }), '[1].command', '[1].command is required'],
    [
      'an unknown field',
      second({ comand: 'x' }),
      '[1].comand',
      "[1].comand: 'comand' is not a known field; did you mean 'command'?",
    ],
    [
      'a bad URL',
      second({ webhooks: { urls: ['x'] } }),
      '[1].webhooks.urls[0]',
      '[1].webhooks.urls[0] must be an http',
    ],
    [
      'half a port range',
      second({ port_range: { start: 1 } }),
      '[1].port_range.end',
      '[1].port_range.end is required',
    ],
    [
      'a reversed range',
      second({ port_range: { start: 9, end: 8 } }),
      '[1].port_range',
      '[1].port_range 9..8 starts after it ends',
    ],
    ['too many ports', second({ port_range: { start: 1, end: 1001 } }), '[1].port_range', 'at most 1000'],
    [
      '{{PORT}} without a port',
      second({ command: '{{PORT}}' }),
      '[1].command',
      '[1].command contains {{PORT}}',
    ],
    ['a numeric id', second({ id: 5 }), '[1].id', '[1].id must be a string'],
    ['an id that is no slug', second({ id: '../x' }), '[1].id', '[1].id is "../x"'],
    ['a reserved id', second({ id: 'reset' }), '[1].id', 'path word'],
    ['a bad wanted', second({ wanted: ['0'] }), '[1].wanted', '[1].wanted must be a list of ports'],
    ['a bad hoody_kit', second({ hoody_kit: 'yes' }), '[1].hoody_kit', '[1].hoody_kit must be true or false'],
    ['a bad previous', second({ previous: { name: 'x' } }), '[1].previous.command', 'is required'],
    ['a previous that is a list', second({ previous: [] }), '[1].previous', '[1].previous must be a program'],
    ['the same id twice', second({ id: 'web' }), '[1].id', '[1].id is the same as that of [0] ("Web")'],
    [
      'the same name twice',
      second({ id: 'b', name: 'WEB' }),
      '[1].name',
      '[1].name is the same as that of [0] ("Web")',
    ],
    [
      'overlapping ports',
      [
        { ...WEB, port_range: { start: 10, end: 20 } },
        { ...WEB, name: 'b', port_range: { start: 20, end: 20 } },
      ],
      '[1].port_range',
      '[1].port_range overlaps with that of [0] ("Web")',
    ],
    [
      'endless nesting',
      JSON.parse(`[{"name":${'['.repeat(999)}${']'.repeat(999)}}]`),
      '[0].name',
      '[0].name is nested too deeply',
    ],
  ])('with %s says where it is wrong', (_, json, field, message) => {
    const problem = problemOf(() => parseStoredPrograms(json));
    expect(problem.field).toBe(field);
    expect(problem.message).toContain(message);
  });
});

describe('programs.default.json', () => {
  it('marks all of its programs as part of the kit', () => {
    expect(parseDefaultPrograms([WEB])[0]).toMatchObject({ id: 'web', hoody_kit: true });
  });

  it('does not know what only the service writes', () => {
    expect(problemOf(() => parseDefaultPrograms([{ ...WEB, wanted: [0] }])).field).toBe('[0].wanted');
  });

  it('as shipped holds five enabled programs of root without ports, and starts none at boot', () => {
    const file = join(__dirname, '..', 'config-store', 'programs.default.json');
    const programs = parseDefaultPrograms(JSON.parse(readFileSync(file, 'utf8')));
    expect(programs.map((p) => p.id)).toEqual(['apache2', 'nginx', 'redis', 'cron', 'ssh']);
    expect(programs[0]).toMatchObject({ name: 'Apache2', command: '/usr/sbin/apache2ctl -D FOREGROUND' });
    for (const program of programs)
      expect(program).toMatchObject({
        user: 'root',
        enabled: true,
        hoody_kit: true,
        boot: 'restore',
        port_range: { start: 0, end: 0 },
      });
  });
});

describe('ephemeral.json', () => {
  const JOB = {
    temporary_id: 'eph-abc123def456',
    command: 'sleep 5',
    user: 'app',
    created_at: '2025-01-15T10:30:00.000Z',
    epoch: 'e1',
  };

  it('may leave out whatever has a default', () => {
    expect(parseEphemerals([JOB])).toEqual([
      {
        ...JOB,
        name: null,
        directory: null,
        environment: {},
        port_range: { start: 0, end: 0 },
        stop_signal: 'TERM',
        stop_seconds: 10,
        log_max_bytes: 5_242_880,
        expires_at: null,
        ended_at: null,
      },
    ]);
  });

  it('reads back what it gave', () => {
    const programs = parseEphemerals([
      { ...JOB, name: 'x', expires_at: JOB.created_at, ended_at: JOB.created_at },
    ]);
    expect(parseEphemerals(JSON.parse(JSON.stringify(programs)))).toEqual(programs);
  });

  it.each<[string, unknown, string | null]>([
    ['an object', {}, null],
    ['a number in the list', [5], '[0]'],
    ['a bad id', [{ ...JOB, temporary_id: 'eph-1' }], '[0].temporary_id'],
    ['an id twice', [JOB, JOB], '[1].temporary_id'],
    ['a bad time', [{ ...JOB, created_at: 'yesterday' }], '[0].created_at'],
    ['a bad port range', [{ ...JOB, port_range: { start: 70000, end: 70000 } }], '[0].port_range'],
    ['no command', [{ ...JOB, command: '' }], '[0].command'],
  ])('with %s says where it is wrong', (_, json, field) => {
    expect(problemOf(() => parseEphemerals(json)).field).toBe(field);
  });
});
