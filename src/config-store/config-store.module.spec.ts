import { Logger } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseSettings } from '../settings/parse-settings';
import { SettingsModule } from '../settings/settings.module';
import { ConfigRepository } from './config-repository';
import { ConfigStoreModule } from './config-store.module';
import { StatePaths } from './state-paths';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'store-'));
  Logger.overrideLogger(false);
});
afterEach(() => rmSync(folder, { recursive: true }));

function start(env: NodeJS.ProcessEnv = {}) {
  const settings = parseSettings({ DAEMON_STATE_DIR: join(folder, 'state'), ...env });
  return Test.createTestingModule({
    imports: [SettingsModule.forRoot(settings), ConfigStoreModule],
  }).compile();
}

it('prepares the state directory and offers the repository', async () => {
  const app = await start();
  expect(app.get(ConfigRepository).programs()).toHaveLength(5);
  expect(app.get(StatePaths).root).toBe(join(folder, 'state'));
  expect(readdirSync(join(folder, 'state')).sort()).toEqual([
    'launch',
    'lock',
    'logs',
    'programs.json',
    'supervisor',
  ]);
  await app.close();
});

it('refuses a second service in the same folder until the first is closed', async () => {
  const first = await start();
  await expect(start()).rejects.toThrow('Another hoody-daemon');
  await first.close();
  await (await start()).close();
});

it('saves what is under way before it lets go of the folder', async () => {
  const first = await start();
  const saved = first.get(ConfigRepository).updatePrograms(() => []);
  await first.close();
  await saved;
  const second = await start();
  expect(second.get(ConfigRepository).programs()).toEqual([]);
  await second.close();
});

it('lets go of the folder when the defaults cannot be used', async () => {
  const defaults = join(folder, 'defaults.json');
  writeFileSync(defaults, '{}');
  await expect(start({ DAEMON_DEFAULTS_FILE: defaults })).rejects.toThrow(
    `The defaults ${defaults} cannot be used`,
  );
  await (await start()).close();
});
