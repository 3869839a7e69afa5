// Makes a checkout ready: npm packages, supervisord, build. Runs before `npm start` and `npm test`, so it
// uses nothing but Node, and does nothing (and says nothing) when there is nothing to do.
// `--rebuild` is `npm run build`: it builds in any case and leaves supervisord alone.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from './setup/build.mjs';
import { packages } from './setup/packages.mjs';
import { root, SetupError } from './setup/command.mjs';
import { holdCheckout } from './setup/hold-checkout.mjs';
import { supervisord } from './setup/supervisord.mjs';

const rebuild = process.argv.includes('--rebuild');
const steps = rebuild ? [packages, { ...build, isDue: () => true }] : [packages, supervisord, build];

try {
  requireNode();
  if (steps.some((step) => step.isDue())) {
    await holdCheckout();
    for (const step of steps) if (step.isDue()) await step.run();
  }
  process.exit(0);
} catch (error) {
  if (error instanceof SetupError) console.error(`${error.output}\n\n${error.message}`.trim());
  else if (error.syscall) console.error(`Cannot set up ${root}: ${error.message}.`);
  else throw error;
  process.exit(1);
}

function requireNode() {
  const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const wanted = engines.node.replace('>=', '').split('.').map(Number);
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > wanted[0] || (major === wanted[0] && minor >= wanted[1])) return;
  throw new SetupError(`Cannot run on Node ${process.versions.node}: install Node ${engines.node}.`);
}
