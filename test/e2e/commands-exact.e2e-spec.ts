import * as fc from 'fast-check';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Service } from '../support/service';

const FIXTURE = join(__dirname, '..', 'fixtures', 'prints-what-it-got.py');
const COMMAND = `/usr/bin/python3 -S ${FIXTURE}`;
const SEED = Number(process.env.FC_SEED ?? Date.now() % 2 ** 31);
const PORT = 26_300;

interface Received {
  args: string[];
  env: Record<string, string>;
}

const NASTY = [
  ...[' ;', ' #', '%', '%(ENV_HOME)s', '%(here)s', '%%', '$', '$HOME', '${x}', '$(id)', '`id`', '{{', '}}'],
  ...[
    "'",
    '"',
    '\\',
    '\\n',
    '\t',
    '\r',
    '\n',
    '\r\n',
    '\n[program:x]\n',
    ' ',
    '  ',
    '~',
    '*',
    '!',
    '&&',
    '|',
  ],
  ...[
    'é',
    'e\u0301',
    '\u{1f600}',
    '\u{10ffff}',
    '\u200b',
    '\ufeff',
    '\u2028',
    '\u0081',
    'Á',
    '\u0001',
    '\u001b[0m',
  ],
  ...['\u007f', '\b', '\f', '\v', 'EOF', '--', '-n', '=', ',', 'ü', '漢字', '\\x41', '\\0', '%n%s'],
];

/** Anything but NUL and lone surrogates. */
const nastyText = fc
  .array(
    fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(...NASTY) },
      { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 6 }) },
      { weight: 1, arbitrary: fc.stringMatching(/^[ -~]{0,8}$/) },
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join('').replaceAll('\0', ''))
  .filter((text) => !/\p{Surrogate}/u.test(text) && !text.includes('{{PORT}}'));

const SPECIAL_NAMES = [
  ...[
    'PS1',
    'PS2',
    'PS4',
    'LINENO',
    'OPTARG',
    'HISTFILE',
    'HISTSIZE',
    'CDPATH',
    'ENV',
    'MAIL',
    'MAILPATH',
    '_',
  ],
  ...[
    'PATH',
    'HOME',
    'USER',
    'SHELL',
    'LANG',
    'LC_ALL',
    'TERM',
    'RANDOM',
    'SECONDS',
    'UID',
    'SHLVL',
    'FUNCNAME',
  ],
];

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function sample<T>(arbitrary: fc.Arbitrary<T>, count: number, salt: number): T[] {
  return fc.sample(arbitrary, { numRuns: count, seed: SEED + salt });
}

describe(`commands and environment, byte for byte (FC_SEED=${SEED})`, () => {
  let service: Service;
  let results: string;
  let files = 0;
  beforeAll(async () => {
    service = await Service.start();
    results = join(service.stateDir, 'results');
    mkdirSync(results);
  });
  afterAll(() => service.dispose());

  const BASE = {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    ...{ HOME: '/root', USER: 'root', LOGNAME: 'root', SHELL: '/bin/bash', LANG: 'C.UTF-8' },
  };

  function received(file: string): Received {
    return JSON.parse(readFileSync(file, 'utf8')) as Received;
  }

  async function throughService(command: string, environment: Record<string, string>, port = 0) {
    const file = join(results, `${++files}`);
    const { status, body } = await service.post('quick-start', {
      command,
      user: 'root',
      environment: { ...environment, RESULT_FILE: file },
      ...(port && { port_range: { start: port, end: port } }),
      wait_for_exit: true,
    });
    expect({ status, exit: body.exit_status, stderr: body.stderr }).toEqual({
      status: 201,
      exit: 0,
      stderr: '',
    });
    await service.post(`quick-start/${body.temporary_id}/stop`);
    return { ...received(file), stdout: body.stdout as string };
  }

  function directly(command: string, environment: Record<string, string>) {
    const file = join(results, `${++files}`);
    const { status, stdout } = spawnSync('sh', ['-c', command], {
      cwd: BASE.HOME,
      env: { ...BASE, ...environment, RESULT_FILE: file },
    });
    expect(status).toBe(0);
    return { ...received(file), stdout: stdout.toString() };
  }

  /** But for the two that differ by nature: where the result goes, and the mark. */
  function comparable({ args, env }: Received) {
    const { [hex('RESULT_FILE')]: _, [hex('HOODY_DAEMON_MARK')]: __, ...rest } = env;
    return { args, env: rest };
  }

  const hex = (text: string) => Buffer.from(text).toString('hex');

  it('hands 300 generated arguments to programs as sh does', async () => {
    const batches = Array.from({ length: 30 }, (_, i) => sample(nastyText, 10, i));
    const differing: unknown[] = [];
    for (const group of chunks(batches, 6))
      await Promise.all(
        group.map(async (texts, i) => {
          // Half of them with shell syntax in front, so that the shell stays.
          const command = `${i % 2 ? ': && ' : ''}${COMMAND} ${texts.map(quoted).join(' ')}`;
          const { args } = await throughService(command, {});
          if (args.join() !== texts.map(hex).join()) differing.push({ texts, args });
        }),
      );
    expect(differing).toEqual([]);
  });

  it('hands 300 generated environment values to programs as sh does', async () => {
    for (let i = 0; i < 6; i++) {
      const values = sample(nastyText, 50, 1000 + i);
      const environment = Object.fromEntries(values.map((value, k) => [`VALUE_${k}`, value]));
      const got = await throughService(i % 2 ? `: && ${COMMAND}` : COMMAND, environment);
      expect(comparable(got)).toEqual(comparable(directly(COMMAND, environment)));
      for (const [name, value] of Object.entries(environment)) expect(got.env[hex(name)]).toBe(hex(value));
    }
  });

  it('hands on variables that shells use themselves', async () => {
    const [, ...values] = sample(nastyText, SPECIAL_NAMES.length + 1, 2000);
    const environment = Object.fromEntries(SPECIAL_NAMES.map((name, i) => [name, `v ${values[i]}`]));
    const { env } = await throughService(COMMAND, environment);
    for (const [name, value] of Object.entries(environment)) expect(env[hex(name)]).toBe(hex(value));
  });

  it('hands on values of 100,000 bytes and a command of 65,536 characters', async () => {
    const environment = { LONG: 'é'.repeat(50_000), QUOTES: "'".repeat(100_000) };
    const argument = '\u{1f600}'.repeat(25_000);
    const head = `${COMMAND} ${quoted(argument)} `;
    const command = head.padEnd(65_536, 'x');
    const { args, env } = await throughService(command, environment);
    expect(args).toEqual([hex(argument), hex('x'.repeat(65_536 - head.length))]);
    for (const [name, value] of Object.entries(environment)) expect(env[hex(name)]).toBe(hex(value));
  });

  it('gives a program nothing but its environment, the mark and what sh sets', async () => {
    const { env } = await throughService(COMMAND, { OWN: 'x' });
    expect(
      Object.keys(env)
        .map((name) => Buffer.from(name, 'hex').toString())
        .sort(),
    ).toEqual([...Object.keys(BASE), 'HOODY_DAEMON_MARK', 'OWN', 'PWD', 'RESULT_FILE'].sort());
  });

  it.each([
    ['a builtin', `cd /tmp && pwd`],
    ['an assignment', `A=1 sh -c 'echo $A'`],
    ['assignments alone', `A=1; echo "$A"`],
    ['a subshell', `(cd /tmp; pwd); pwd`],
    ['a comment at the end', `echo a # b`],
    ['a comment in front', `# first\necho second`],
    ['a here-document', `cat <<EOF\n  $HOME \\\\ $((1+1))\n'x'\nEOF`],
    ['a quoted here-document', `cat <<'EOF'\n$HOME \\ %\nEOF\necho after`],
    ['a here-document that ends with the text', `cat <<EOF\nlast\nEOF`],
    ['a backslash at the end', `echo a\\`],
    ['a continued line', `echo a \\\n  b`],
    ['a function', `f() { echo "f $1 $#"; }; f x`],
    ['a trap', `trap 'echo bye' EXIT; echo hello`],
    ['its arguments', `echo "$0|$1|$#|$@|$*"`],
    ['blanks around', ` \t echo a \n\n`],
    ['pipes', `printf 'b\\na\\n' | sort`],
    ['a glob', `cd / && echo /et?`],
    ['a tilde', `echo ~`],
    ['carriage returns', `printf %s 'a\r\nb'`],
    ['CTL bytes of dash', `echo Á \u0081\u0088 "\u0085"`],
    ['old directory', `echo "[\${OLDPWD-none}]" "$PWD"`],
    ['unset variables', `set -u; echo "\${PORT-none}\${1-none}"`],
    ['exec', `exec echo replaced`],
    ['a return', `echo a; return 0; echo b`],
  ])('treats %s as sh -c does', async (_, command) => {
    const { body } = await service.post('quick-start', { command, user: 'root', wait_for_exit: true });
    const direct = spawnSync('sh', ['-c', command], { cwd: BASE.HOME, env: BASE });
    expect({ stdout: body.stdout, stderr: body.stderr, exit: body.exit_status }).toEqual({
      stdout: direct.stdout.toString(),
      stderr: direct.stderr.toString(),
      exit: direct.status,
    });
  });

  it.each([
    ['exit 3', 3],
    ['exit', 0],
    ['false', 1],
    ['return 4', 4],
    ['kill -9 $$', 137],
    ['"unfinished', 2],
    ['true; /no/such/program', 127],
    ['true; /etc/passwd', 126],
  ])('ends with the exit status of %s', async (command, exit) => {
    const { body } = await service.post('quick-start', { command, user: 'root', wait_for_exit: true });
    expect(body.exit_status).toBe(exit);
  });

  it.each([
    [`${COMMAND} 'a{{PORT}}b' "c {{PORT}}" d{{PORT}}`, ['a26300b', 'c 26300', 'd26300']],
    [
      `x="{{PORT}}"; ${COMMAND} "$x;{{PORT}}" '$x {{PORT}} {{ PORT }} {PORT}'`,
      ['26300;26300', '$x 26300 {{ PORT }} {PORT}'],
    ],
    [`${COMMAND} "$(cat <<'E'\nit's {{PORT}} \\ "\nE\n)" # {{PORT}}'`, ['it\'s 26300 \\ "']],
    [`${COMMAND} {{PORT}}{{PORT}} "'{{PORT}}'"`, ['2630026300', "'26300'"]],
  ])('puts the port in place of {{PORT}} in %j', async (command, expected) => {
    const { args, env } = await throughService(
      command,
      { URL: `it's "{{PORT}}" $PORT \`{{PORT}}\``, PORT: '1' },
      PORT,
    );
    expect(args).toEqual(expected.map(hex));
    expect(env[hex('URL')]).toBe(hex('it\'s "26300" $PORT `26300`'));
    expect(env[hex('PORT')]).toBe(hex('26300'));
  });

  it('gives each instance of a range its own port, by placeholder, variable and port_param', async () => {
    const id = await service.add({
      command: `sh -c 'echo "$0|$*|$PORT|$URL"; sleep 1000' 'q{{PORT}}'`,
      environment: { URL: 'http://x:{{PORT}}/' },
      port_param: '--port',
      port_range: { start: PORT + 1, end: PORT + 3 },
    });
    await service.post(`programs/${id}/start`, { all: true });
    for (const port of [PORT + 1, PORT + 2, PORT + 3])
      await service.until(
        `programs/${id}/logs?port=${port}`,
        (body) => body.stdout === `q${port}|--port ${port}|${port}|http://x:${port}/\n`,
      );
    await service.post(`programs/remove/${id}`);
  });
});

function chunks<T>(all: T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size));
}
