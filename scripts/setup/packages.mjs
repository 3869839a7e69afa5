import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { readOrNull, root, run } from './command.mjs';

const stampFile = join(root, 'node_modules', '.setup-stamp');

/** The npm packages of package-lock.json, for this version of Node. */
export const packages = {
  isDue: () => readOrNull(stampFile) !== wantedStamp(),

  async run() {
    console.log('Installing the npm packages, which takes about half a minute.');
    const stamp = wantedStamp();
    // Not `npm ci`: it refuses a lock file that lacks the optional packages of other platforms.
    // --no-save leaves package.json and package-lock.json as they are. No package needs its install script.
    const install = ['install', '--no-save', '--ignore-scripts', '--include=dev', '--no-audit', '--no-fund'];
    const npm = process.env.npm_execpath ?? '';
    const [file, ...args] = basename(npm) === 'npm-cli.js' ? [process.execPath, npm] : ['npm'];
    await run('install the npm packages', file, [...args, ...install]);
    writeFileSync(stampFile, stamp);
  },
};

function wantedStamp() {
  const lock = readFileSync(join(root, 'package-lock.json'));
  return createHash('sha256').update(lock).update(`${process.version} ${process.arch}`).digest('hex');
}
