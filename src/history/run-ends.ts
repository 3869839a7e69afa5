import type { StateChange } from '../domain/changes';

/*
 * An exit shows as RUNNING -> STOPPED (expected) or RUNNING -> FATAL, and an automatic restart as STARTING
 * after it. Where both fall between two looks at supervisord, only RUNNING -> STARTING is seen.
 */

type Step = Pick<StateChange, 'from' | 'to'>;

/** A run or an attempt to start ended in failure, or ended unseen and was started again. */
export function isCrash({ from, to }: Step): boolean {
  return (to === 'FATAL' && (from === 'RUNNING' || from === 'STARTING')) || isUnseenRestart({ from, to });
}

/** A process ended, for whatever reason. */
export function isExit({ from, to }: Step): boolean {
  const ended = to === 'STOPPED' || to === 'FATAL';
  return (
    (ended && (from === 'RUNNING' || from === 'STARTING' || from === 'STOPPING')) ||
    isUnseenRestart({ from, to })
  );
}

/** A start after an end that nobody had asked for. `before` is the instance's change before this one. */
export function isRestart(before: Step | null, { from, to }: Step): boolean {
  if (isUnseenRestart({ from, to })) return true;
  return to === 'STARTING' && before !== null && before.from !== 'STOPPING' && isExit(before);
}

function isUnseenRestart({ from, to }: Step): boolean {
  return from === 'RUNNING' && to === 'STARTING';
}
