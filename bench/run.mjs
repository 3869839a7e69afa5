/** `node bench/run.mjs [name …]`: prints one line per figure. See README.md beside it. */
import { readdirSync } from 'node:fs';
import { cleanUp } from './support.mjs';

const names = readdirSync(import.meta.dirname)
  .map((file) => file.replace(/\.mjs$/, ''))
  .filter((name) => !['run', 'support', 'stock', 'README.md'].includes(name))
  .sort();
const wanted = process.argv.length > 2 ? process.argv.slice(2) : names;
const unknown = wanted.find((name) => !names.includes(name));
if (unknown) {
  process.stderr.write(`There is no benchmark "${unknown}". There are: ${names.join(', ')}\n`);
  process.exit(2);
}
for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, () => void cleanUp().finally(() => process.exit(1)));

for (const name of wanted) {
  process.stdout.write(`# ${name}\n`);
  try {
    await (await import(`./${name}.mjs`)).default();
  } catch (error) {
    process.stderr.write(`${error.stack}\n`);
    process.exitCode = 1;
  } finally {
    await cleanUp();
  }
}
process.exit();
