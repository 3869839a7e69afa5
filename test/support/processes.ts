import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findMarked } from '../../src/process-table/marked-processes';
import type { Service } from './service';

/** Pids of all living processes of one program, or of all programs, of the service, ascending. */
export async function processesOf({ stateDir }: Service, id?: string): Promise<number[]> {
  const { id: state } = JSON.parse(readFileSync(join(stateDir, 'supervisor', 'identity.json'), 'utf8'));
  const found = await findMarked((mark) => {
    const [of, , group = ''] = mark.split(':');
    return of === state && (id === undefined ? group !== '' : new RegExp(`^hoody_${id}(_|$)`).test(group));
  });
  return found.map(({ pid }) => pid).sort((a, b) => a - b);
}

/** Asks until it holds. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  withinMs = 15_000,
): Promise<void> {
  for (const end = Date.now() + withinMs; !(await holds()); await delay(10))
    if (Date.now() > end) throw new Error(`Waited in vain until ${what}`);
}
