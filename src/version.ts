import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The version in package.json, which is one folder up from `src` as well as from `dist`. */
export const VERSION = (
  JSON.parse(readFileSync(join(__dirname, '..', 'package.json'), 'utf8')) as { version: string }
).version;
