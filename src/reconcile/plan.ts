import type { SupervisorState } from '../domain/states';
import { groupName, type Instance } from '../supervisor/instance';

/** A program as it should be known to supervisord. */
export interface DesiredProgram {
  owner: string;
  /** All its instances. */
  ports: readonly number[];
  /** Those that should run. */
  wanted: readonly number[];
  priority: number;
  delaySeconds: number;
}

/** An instance as supervisord knows it. */
export interface ActualInstance extends Instance {
  state: SupervisorState;
  wasEverStarted: boolean;
}

export interface PlannedStart extends Instance {
  priority: number;
  delaySeconds: number;
}

export interface ReconcilePlan {
  /** Programs, or instances of them, that supervisord should not know. */
  remove: Instance[];
  /** Running, and should not. */
  stop: Instance[];
  /** Not running, and should; lower priority first. */
  start: PlannedStart[];
}

export interface PlanOptions {
  /**
   * Somebody else may start and stop programs in this supervisord, and means it: what ran and was stopped
   * stays so, and what runs runs on.
   */
  isShared: boolean;
}

/** The steps from what is to what is wanted. Programs that ended by themselves are left as they are. */
export function planReconciliation(
  desired: readonly DesiredProgram[],
  actual: readonly ActualInstance[],
  { isShared }: PlanOptions,
): ReconcilePlan {
  const known = new Map(actual.map((instance) => [groupName(instance), instance]));
  const defined = new Set(
    desired.flatMap(({ owner, ports }) => ports.map((port) => groupName({ owner, port }))),
  );
  const wanted = new Set(
    desired.flatMap(({ owner, wanted }) => wanted.map((port) => groupName({ owner, port }))),
  );

  const remove = actual.filter((instance) => !defined.has(groupName(instance)));
  const stop = isShared
    ? []
    : actual.filter((one) => isUp(one) && defined.has(groupName(one)) && !wanted.has(groupName(one)));
  const start = desired
    .flatMap(({ owner, wanted, priority, delaySeconds }) =>
      wanted.map((port) => ({ owner, port, priority, delaySeconds })),
    )
    .filter((instance) => isMissing(known.get(groupName(instance)), isShared))
    .sort((a, b) => a.priority - b.priority);
  return { remove: remove.map(instanceOf), stop: stop.map(instanceOf), start };
}

function isUp({ state }: ActualInstance): boolean {
  return state === 'RUNNING' || state === 'STARTING' || state === 'BACKOFF';
}

function isMissing(instance: ActualInstance | undefined, isShared: boolean): boolean {
  if (!instance) return true;
  return instance.state === 'STOPPED' && !(isShared && instance.wasEverStarted);
}

function instanceOf({ owner, port }: Instance): Instance {
  return { owner, port };
}
