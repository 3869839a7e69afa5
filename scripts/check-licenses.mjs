// Fails when a package that runs in production has a licence that we did not agree to, or an install script.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const ALLOWED = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC0-1.0',
  'ISC',
  'MIT',
  'Python-2.0',
  'Unlicense',
]);

/** Packages whose package.json names no licence, but whose licence file was read by a person. */
const READ_BY_HAND = new Map([
  ['supervisord@0.1.0', 'MIT'],
  ['structr@0.3.2', 'MIT'],
]);

/** Download statistics that swagger-ui-dist brings along; the set-up installs without install scripts. */
const NEEDLESS_INSTALL_SCRIPTS = new Set(['@scarf/scarf@1.4.0']);

const lock = JSON.parse(readFileSync('package-lock.json', 'utf8'));
const production = Object.entries(lock.packages)
  .filter(([path, entry]) => path !== '' && !entry.dev)
  .map(([path, entry]) => ({ ...entry, name: `${path.split('node_modules/').at(-1)}@${entry.version}` }));

const problems = production.flatMap(({ name, license, hasInstallScript }) => {
  const found = [];
  const licence = license ?? READ_BY_HAND.get(name) ?? 'none';
  if (!isAllowed(licence)) found.push(`${name} has the licence ${licence}, which is not on the list.`);
  if (hasInstallScript && !NEEDLESS_INSTALL_SCRIPTS.has(name)) found.push(`${name} has an install script.`);
  return found;
});

try {
  execFileSync('npm', ['ls', '--omit=dev', '--all'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
} catch (error) {
  problems.push(`npm ls --omit=dev: ${error.stderr.trim()}`);
}

if (problems.length > 0) {
  console.error(problems.join('\n'));
  process.exitCode = 1;
} else {
  console.log(`${production.length} production packages: licences and install scripts are in order.`);
}

/** `(MIT OR GPL-2.0)` is ours to choose from; `A AND B` binds to both. */
function isAllowed(licence) {
  const choices = licence.replace(/[()]/g, '').split(' OR ');
  return choices.some((choice) => choice.split(' AND ').every((id) => ALLOWED.has(id)));
}
