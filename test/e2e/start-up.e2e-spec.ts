import { once } from 'node:events';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Service, temporaryFolder } from '../support/service';

const folder = temporaryFolder();
const inFolder = (name: string) => join(folder, name);
const brokenDefaults = inFolder('broken-defaults.json');
const plainFile = inFolder('plain-file');

const occupant = createServer();
let inUse: string;
let running: Service;

beforeAll(async () => {
  writeFileSync(brokenDefaults, '[{"name": 1}]');
  writeFileSync(plainFile, '');
  occupant.listen(0, '127.0.0.1');
  await once(occupant, 'listening');
  inUse = String((occupant.address() as { port: number }).port);
  running = await Service.start();
});

afterAll(async () => {
  occupant.close();
  await running.dispose();
  rmSync(folder, { recursive: true, force: true });
});

interface Case {
  what: string;
  env: () => Record<string, string>;
  says: string | RegExp;
}

const CASES: Case[] = [
  {
    what: 'a port that is no number',
    env: () => ({ DAEMON_PORT: 'http' }),
    says: 'DAEMON_PORT must be a whole number from 0 to 65535, not "http".',
  },
  {
    what: 'an unknown log level',
    env: () => ({ DAEMON_LOG_LEVEL: 'loud' }),
    says: /^DAEMON_LOG_LEVEL must be one of fatal, .*, not "loud"\.$/,
  },
  {
    what: 'a misspelt setting',
    env: () => ({ DAEMON_TOKN: 'secret' }),
    says: /^DAEMON_TOKN is not a setting of hoody-daemon; did you mean DAEMON_TOKEN\?/,
  },
  {
    what: 'an open address without a token',
    env: () => ({ DAEMON_HOST: '0.0.0.0' }),
    says: /DAEMON_TOKEN/,
  },
  {
    what: 'a port in use',
    env: () => ({ DAEMON_PORT: inUse }),
    says: /^Port \d+ of 127\.0\.0\.1 is in use\. End what listens there, or set DAEMON_PORT to another port\.$/,
  },
  {
    what: 'an address of another machine',
    env: () => ({ DAEMON_HOST: '192.0.2.1', DAEMON_ALLOW_UNAUTHENTICATED: 'true' }),
    says: 'DAEMON_HOST must be an address of this machine; 192.0.2.1 is not.',
  },
  {
    what: 'a supervisord that is not there',
    env: () => ({ DAEMON_SUPERVISORD: '/nonexistent/supervisord' }),
    says: 'DAEMON_SUPERVISORD must be an executable file; /nonexistent/supervisord is not.',
  },
  {
    what: 'a state directory that another service uses',
    env: () => ({ DAEMON_STATE_DIR: running.stateDir }),
    says: /^Another hoody-daemon \(pid \d+\) already uses \S+\. Stop it, or set DAEMON_STATE_DIR to another folder\.$/,
  },
  {
    what: 'a state directory that is a file',
    env: () => ({ DAEMON_STATE_DIR: plainFile }),
    says: /is not a folder\. Move it away, or set DAEMON_STATE_DIR to another folder\.$/,
  },
  {
    what: 'a defaults file that is broken',
    env: () => ({ DAEMON_DEFAULTS_FILE: brokenDefaults }),
    says: /broken-defaults\.json cannot be used: .*name.*set DAEMON_DEFAULTS_FILE to another one\.$/,
  },
  {
    what: 'a defaults file that is not there',
    env: () => ({ DAEMON_DEFAULTS_FILE: '/nonexistent.json' }),
    says: /there is no such file/,
  },
];

describe('a start that cannot be made', () => {
  it.each(CASES)('ends with one line and exit status 1 for $what', async ({ env, says }) => {
    const service = new Service({ env: { DAEMON_LOG_LEVEL: 'info', ...env() } });
    const { code, output } = await service.startToFail();
    expect(output.split('\n')).toEqual([expect.stringMatching(says), '']);
    expect(code).toBe(1);
    expect(existsSync(join(service.stateDir, 'supervisor', 'supervisor.sock'))).toBe(false);
    await service.dispose();
  });

  it('leaves the service that has the state directory alone', async () => {
    await new Service({ env: { DAEMON_STATE_DIR: running.stateDir } }).startToFail();
    expect((await running.get('health')).body).toMatchObject({ status: 'healthy' });
  });
});
