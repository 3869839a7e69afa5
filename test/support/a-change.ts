import type { StateChange } from '../../src/domain/changes';

/** A program that has come up, unless the fields say otherwise. */
export function change(of: Partial<StateChange>): StateChange {
  return {
    type: 'state',
    program: 'web',
    port: null,
    from: 'STARTING',
    to: 'RUNNING',
    pid: 1,
    exit_status: null,
    spawn_error: null,
    time: new Date().toISOString(),
    ...of,
  };
}
