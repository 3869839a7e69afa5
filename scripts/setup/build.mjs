import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readOrNull, root, run } from './command.mjs';

const stampFile = join(root, 'dist', '.setup-stamp');

/** dist/, compiled from exactly these sources. */
export const build = {
  isDue: () => readOrNull(stampFile) !== wantedStamp(),

  async run() {
    console.log('Building.');
    // Taken before: a source that is edited meanwhile makes the next set-up build again.
    const stamp = wantedStamp();
    await run('build', join(root, 'node_modules', '.bin', 'nest'), ['build']);
    writeFileSync(stampFile, stamp);
  },
};

function wantedStamp() {
  const hash = createHash('sha256');
  for (const file of ['package.json', 'nest-cli.json', 'tsconfig.json', ...sources()]) {
    hash.update(`\0${file}\0`).update(readFileSync(join(root, file)));
  }
  return hash.digest('hex');
}

function sources() {
  return readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/\.spec\.ts$|\.pyc$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .sort();
}
