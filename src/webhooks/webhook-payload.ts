import type { StateChange } from '../domain/changes';
import type { FailureReport } from './failure-details';

/** The body of a `program.state` event. `failure` is what is known about a change to FATAL. */
export function statePayload(change: StateChange, failure: FailureReport | null): string {
  const { type: _type, ...data } = change;
  return JSON.stringify({
    type: 'program.state',
    timestamp: change.time,
    data: failure ? { ...data, diagnosis: failure.diagnosis, stderr: failure.stderr } : data,
  });
}

/** The body of a `program.test` event. It tells of no state, so that nobody is alarmed by it. */
export function testPayload(program: string, time: string): string {
  return JSON.stringify({
    type: 'program.test',
    timestamp: time,
    data: { program, time, message: 'A test of this webhook. Nothing happened to the program.' },
  });
}
