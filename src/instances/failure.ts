import type { Diagnosis } from '../diagnosis/diagnosis';
import type { Instance } from '../supervisor/instance';
import type { ProcessDefinition } from '../supervisor/process-definition';
import type { ProcessInfo } from '../supervisor/process-mirror';

/** Why an instance is not running although it should. */
export interface Failure {
  /** In words that a person can act on, as `spawn_error` shows them. */
  spawnError: string;
  diagnosis: Diagnosis | null;
  /** The last lines of its standard error. */
  stderr: string[];
}

/** `start`: it did not come up. `run`: it had come up, and ended. */
export type FailurePhase = 'start' | 'run';

export interface FailureFacts {
  instance: Instance;
  definition: ProcessDefinition | undefined;
  info: ProcessInfo;
  phase: FailurePhase;
}

/** Finds out why a program failed. Never throws or rejects. */
export abstract class FailureExplainer {
  /** To be called before a start, so that what an earlier run wrote is not taken for this one's. */
  abstract runBegins(instance: Instance): void;

  /** The instance is gone for good. */
  abstract forget(instance: Instance): void;

  /** @returns what supervisord's answer alone tells, and what a look at the logs and the system adds */
  abstract explain(facts: FailureFacts): { atFirst: Failure; afterALook: Promise<Failure> };

  /** What would keep the instance from starting, as far as it can be known before; null: nothing. */
  abstract preflight(definition: ProcessDefinition, instance: Instance): Promise<Failure | null>;
}
