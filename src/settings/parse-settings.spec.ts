import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isLoopback } from './loopback';
import { parseSettings } from './parse-settings';
import { SettingsError } from './settings-error';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'settings-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

function refusal(env: NodeJS.ProcessEnv): string {
  try {
    parseSettings(env, 0);
  } catch (error) {
    expect(error).toBeInstanceOf(SettingsError);
    return (error as Error).message;
  }
  throw new Error('was accepted');
}

it('needs nothing set: it listens on 127.0.0.1:9010 and runs a supervisord of its own', () => {
  expect(parseSettings({ PATH: '' }, 0)).toEqual({
    host: '127.0.0.1',
    port: 9010,
    socket: null,
    tokens: [],
    allowUnauthenticated: false,
    allowedHosts: [],
    allowedOrigins: [],
    stateDir: '/var/lib/hoody-daemon',
    defaultsFile: join(__dirname, '..', 'config-store', 'programs.default.json'),
    supervisord: null,
    searchPath: '',
    attached: null,
    onStop: 'keep',
    ephemeralRetention: 3600,
    webhookAllowPrivate: false,
    metricsPublic: false,
    logLevel: 'info',
  });
});

it('finds the shipped defaults where they are', () => {
  expect(existsSync(parseSettings({}).defaultsFile)).toBe(true);
});

it.each([
  [{ DAEMON_HOST: '::1' }, { host: '::1' }],
  [{ DAEMON_HOST: 'localhost' }, { host: 'localhost' }],
  [{ DAEMON_HOST: '127.8.8.8' }, { host: '127.8.8.8' }],
  [{ DAEMON_PORT: '0' }, { port: 0 }],
  [{ DAEMON_PORT: '65535' }, { port: 65535 }],
  [{ DAEMON_PORT: '' }, { port: 9010 }],
  [{ DAEMON_SOCKET: '/run/hoody.sock', DAEMON_HOST: '0.0.0.0' }, { socket: '/run/hoody.sock' }],
  [{ DAEMON_HOST: '0.0.0.0', DAEMON_ALLOW_UNAUTHENTICATED: 'true' }, { allowUnauthenticated: true }],
  [{ DAEMON_HOST: '0.0.0.0', DAEMON_TOKEN: 'secret' }, { host: '0.0.0.0' }],
  [{ DAEMON_TOKEN: 'secret' }, { tokens: [{ name: 'default', role: 'admin', token: 'secret' }] }],
  [
    { DAEMON_ALLOWED_HOSTS: 'API.example.com, *.example.org,*,[::1],10.0.0.1' },
    { allowedHosts: ['api.example.com', '*.example.org', '*', '::1', '10.0.0.1'] },
  ],
  [
    { DAEMON_ALLOWED_ORIGINS: 'https://App.example.com:443/, http://localhost:3000,chrome-extension://abc' },
    { allowedOrigins: ['https://app.example.com', 'http://localhost:3000', 'chrome-extension://abc'] },
  ],
  [{ DAEMON_STATE_DIR: '/srv/state/' }, { stateDir: '/srv/state' }],
  [{ DAEMON_STATE_DIR: 'state' }, { stateDir: join(process.cwd(), 'state') }],
  [{ DAEMON_DEFAULTS_FILE: '/etc/programs.json' }, { defaultsFile: '/etc/programs.json' }],
  [{ DAEMON_SUPERVISORD: 'supervisord3' }, { supervisord: 'supervisord3' }],
  [{ DAEMON_SUPERVISORD: '/opt/bin/supervisord' }, { supervisord: '/opt/bin/supervisord' }],
  [
    {
      DAEMON_SUPERVISOR_URL: 'unix:///run/supervisor.sock',
      DAEMON_SUPERVISOR_CONF_DIR: '/etc/supervisor/conf.d',
    },
    { attached: { url: 'unix:///run/supervisor.sock', confDir: '/etc/supervisor/conf.d' } },
  ],
  [
    { DAEMON_SUPERVISOR_URL: 'http://user:pass@127.0.0.1:9001', DAEMON_SUPERVISOR_CONF_DIR: '/etc/s' },
    { attached: { url: 'http://user:pass@127.0.0.1:9001', confDir: '/etc/s' } },
  ],
  [{ DAEMON_ON_STOP: 'shutdown' }, { onStop: 'shutdown' }],
  [{ DAEMON_EPHEMERAL_RETENTION: '0' }, { ephemeralRetention: 0 }],
  [{ DAEMON_WEBHOOK_ALLOW_PRIVATE: '1' }, { webhookAllowPrivate: true }],
  [{ DAEMON_METRICS_PUBLIC: 'true' }, { metricsPublic: true }],
  [{ DAEMON_METRICS_PUBLIC: '0' }, { metricsPublic: false }],
  [{ DAEMON_LOG_LEVEL: 'debug' }, { logLevel: 'debug' }],
  [{ DAEMON_NONSENSE: '', OTHER: 'x' }, { port: 9010 }],
])('accepts %j', (env, expected) => {
  expect(parseSettings(env as NodeJS.ProcessEnv, 0)).toMatchObject(expected);
});

it.each<[NodeJS.ProcessEnv, string]>([
  [{ DAEMON_PORT: 'http' }, 'DAEMON_PORT must be a whole number from 0 to 65535, not "http".'],
  [{ DAEMON_PORT: '65536' }, 'DAEMON_PORT must be a whole number from 0 to 65535'],
  [{ DAEMON_PORT: '80.5' }, 'DAEMON_PORT must be'],
  [{ DAEMON_PORT: '-1' }, 'DAEMON_PORT must be'],
  [{ DAEMON_PORT: ' 80' }, 'DAEMON_PORT must be'],
  [{ DAEMON_HOST: '127.0.0.1:80' }, 'DAEMON_HOST must be an IP address or a host name'],
  [{ DAEMON_HOST: '[::1]' }, 'DAEMON_HOST must be'],
  [{ DAEMON_HOST: 'a b' }, 'DAEMON_HOST must be'],
  [{ DAEMON_SOCKET: 'run/sock' }, 'DAEMON_SOCKET must be the absolute path'],
  [{ DAEMON_SOCKET: '/' + 'a'.repeat(107) }, 'DAEMON_SOCKET must be the absolute path'],
  [{ DAEMON_TOKEN: 'a b' }, 'DAEMON_TOKEN must be 1 to 4096 visible ASCII characters'],
  [{ DAEMON_TOKEN: 'é' }, 'DAEMON_TOKEN must be'],
  [{ DAEMON_TOKEN: 'a'.repeat(4097) }, 'DAEMON_TOKEN must be'],
  [{ DAEMON_TOKEN: 'a', DAEMON_TOKEN_FILE: '/x' }, 'DAEMON_TOKEN and DAEMON_TOKEN_FILE are both set'],
  [
    { DAEMON_TOKEN_FILE: '/nowhere/token' },
    'DAEMON_TOKEN_FILE must be a file that can be read; /nowhere/token',
  ],
  [{ DAEMON_ALLOW_UNAUTHENTICATED: 'yes' }, 'DAEMON_ALLOW_UNAUTHENTICATED must be true or false, not "yes".'],
  [{ DAEMON_ALLOWED_HOSTS: 'example.com:80' }, 'DAEMON_ALLOWED_HOSTS takes names without port'],
  [{ DAEMON_ALLOWED_HOSTS: 'a.*.com' }, 'DAEMON_ALLOWED_HOSTS takes'],
  [{ DAEMON_ALLOWED_HOSTS: 'https://example.com' }, 'DAEMON_ALLOWED_HOSTS takes'],
  [{ DAEMON_ALLOWED_ORIGINS: 'example.com' }, 'DAEMON_ALLOWED_ORIGINS takes origins'],
  [{ DAEMON_ALLOWED_ORIGINS: 'https://example.com/app' }, 'DAEMON_ALLOWED_ORIGINS takes'],
  [{ DAEMON_ALLOWED_ORIGINS: '*' }, 'DAEMON_ALLOWED_ORIGINS takes'],
  [{ DAEMON_ALLOWED_ORIGINS: 'null' }, 'DAEMON_ALLOWED_ORIGINS takes'],
  [{ DAEMON_STATE_DIR: '/' }, 'DAEMON_STATE_DIR must be a folder of its own'],
  [{ DAEMON_STATE_DIR: '/srv/a b' }, 'DAEMON_STATE_DIR must be a path of letters, digits and the signs'],
  [{ DAEMON_SUPERVISOR_URL: 'unix:///run/s.sock' }, 'DAEMON_SUPERVISOR_CONF_DIR must be the absolute path'],
  [
    { DAEMON_SUPERVISOR_CONF_DIR: '/etc/s' },
    'DAEMON_SUPERVISOR_CONF_DIR is for use with DAEMON_SUPERVISOR_URL',
  ],
  [
    { DAEMON_SUPERVISOR_URL: 'unix:///run/s.sock', DAEMON_SUPERVISOR_CONF_DIR: 'conf.d' },
    'DAEMON_SUPERVISOR_CONF_DIR must be the absolute path',
  ],
  [
    { DAEMON_SUPERVISOR_URL: 'ftp://x', DAEMON_SUPERVISOR_CONF_DIR: '/etc/s' },
    'DAEMON_SUPERVISOR_URL must be like',
  ],
  [
    { DAEMON_SUPERVISOR_URL: 'unix://run/s', DAEMON_SUPERVISOR_CONF_DIR: '/etc/s' },
    'DAEMON_SUPERVISOR_URL must be',
  ],
  [
    { DAEMON_SUPERVISOR_URL: 'http://', DAEMON_SUPERVISOR_CONF_DIR: '/etc/s' },
    'DAEMON_SUPERVISOR_URL must be',
  ],
  [{ DAEMON_ON_STOP: 'Keep' }, 'DAEMON_ON_STOP must be one of keep, shutdown, not "Keep".'],
  [{ DAEMON_EPHEMERAL_RETENTION: '1h' }, 'DAEMON_EPHEMERAL_RETENTION must be a whole number from 0'],
  [{ DAEMON_LOG_LEVEL: 'verbose' }, 'DAEMON_LOG_LEVEL must be one of fatal, error, warn'],
  [{ DAEMON_LOG_LEVEL: 'in\nfo' }, 'DAEMON_LOG_LEVEL must be'],
  [{ DAEMON_TOKNE: 'x' }, 'DAEMON_TOKNE is not a setting of hoody-daemon; did you mean DAEMON_TOKEN?'],
  [{ DAEMON_XYZZY: 'x' }, 'DAEMON_XYZZY is not a setting of hoody-daemon.'],
])('refuses %j and names the variable', (env, message) => {
  const refused = refusal(env);
  expect(refused).toContain(message);
  expect(refused).not.toMatch(/\n/);
});

describe('without a token', () => {
  it.each(['0.0.0.0', '::', '192.168.1.5', 'example.com', '127.1'])('refuses to listen on %s', (host) => {
    expect(refusal({ DAEMON_HOST: host })).toMatch(/DAEMON_HOST .* can be reached by others.*DAEMON_TOKEN/);
  });
});

it.each([
  ['127.0.0.1', true],
  ['127.255.0.3', true],
  ['::1', true],
  ['::ffff:127.0.0.1', true],
  ['LOCALHOST', true],
  ['128.0.0.1', false],
  ['0.0.0.0', false],
  ['localhost.example.com', false],
])('isLoopback(%s) is %s', (host, expected) => {
  expect(isLoopback(host)).toBe(expected);
});

describe('the state directory of an ordinary user', () => {
  it.each([
    [{ XDG_STATE_HOME: '/home/a/.state', HOME: '/home/a' }, '/home/a/.state/hoody-daemon'],
    [{ HOME: '/home/a' }, '/home/a/.local/state/hoody-daemon'],
    [{ XDG_STATE_HOME: 'relative', HOME: '/home/a' }, '/home/a/.local/state/hoody-daemon'],
  ])('with %j is %s', (env, expected) => {
    expect(parseSettings(env as NodeJS.ProcessEnv, 1000).stateDir).toBe(expected);
  });
});

describe('token files', () => {
  it('takes the first line of DAEMON_TOKEN_FILE without trailing blanks', () => {
    const path = file('token', 'secret-1 \r\nsecond line\n');
    expect(parseSettings({ DAEMON_TOKEN_FILE: path }).tokens[0]?.token).toBe('secret-1');
  });

  it('refuses an empty DAEMON_TOKEN_FILE: the service would be open', () => {
    expect(refusal({ DAEMON_TOKEN_FILE: file('empty', '\n') })).toContain(
      'DAEMON_TOKEN_FILE: the first line must be',
    );
  });

  it('reads names and roles from DAEMON_TOKENS_FILE, beside DAEMON_TOKEN', () => {
    const path = file('tokens', JSON.stringify([{ name: 'ci', role: 'read', token: 'r' }]));
    expect(parseSettings({ DAEMON_TOKENS_FILE: path, DAEMON_TOKEN: 'a' }).tokens).toEqual([
      { name: 'default', role: 'admin', token: 'a' },
      { name: 'ci', role: 'read', token: 'r' },
    ]);
  });

  it.each([
    ['not JSON', 'hush{', 'must hold a JSON array'],
    ['no array', '{}', 'must hold a JSON array'],
    ['an empty array', '[]', 'must hold a JSON array'],
    ['no token', '[{"name":"a","role":"read"}]', 'entry 1 must have exactly a name, a role and a token'],
    ['an unknown role', '[{"name":"a","role":"root","token":"hush"}]', 'entry 1: the role must be'],
    ['an empty name', '[{"name":"","role":"read","token":"hush"}]', 'entry 1: the name must be'],
    ['a bad token', '[{"name":"a","role":"read","token":"hush hush"}]', 'entry 1: the token must be'],
    ['a number as token', '[{"name":"a","role":"read","token":5}]', 'entry 1: the token must be'],
    [
      'a name twice',
      '[{"name":"a","role":"read","token":"hush1"},{"name":"a","role":"read","token":"hush2"}]',
      'the name "a" is taken twice',
    ],
    [
      'a token twice',
      '[{"name":"a","role":"read","token":"hush"},{"name":"b","role":"admin","token":"hush"}]',
      '"a" and "b" have the same token',
    ],
  ])('refuses a DAEMON_TOKENS_FILE with %s, without showing a token', (_, content, message) => {
    const refused = refusal({ DAEMON_TOKENS_FILE: file('bad-tokens', content) });
    expect(refused).toContain('DAEMON_TOKENS_FILE');
    expect(refused).toContain(message);
    expect(refused).not.toContain('hush');
  });

  it('says why a token file cannot be read', () => {
    const path = file('locked', 'x');
    chmodSync(path, 0o000);
    if (process.getuid?.() === 0) expect(parseSettings({ DAEMON_TOKEN_FILE: path }).tokens).toHaveLength(1);
    else expect(refusal({ DAEMON_TOKEN_FILE: path })).toContain('(EACCES)');
    expect(refusal({ DAEMON_TOKEN_FILE: folder })).toContain('(EISDIR)');
  });
});

it('never shows the password of a supervisor URL', () => {
  const refused = refusal({ DAEMON_SUPERVISOR_URL: 'https://u:hush@h', DAEMON_SUPERVISOR_CONF_DIR: '/c' });
  expect(refused).not.toContain('hush');
});

it('freezes the settings to the bottom', () => {
  const settings = parseSettings({ DAEMON_TOKEN: 'a' });
  expect(() => ((settings as { port: number }).port = 1)).toThrow(TypeError);
  expect(() => ((settings.tokens[0] as { role: string }).role = 'read')).toThrow(TypeError);
});
