import type { Instance } from './instance';
import type { ProcessDefinition } from './process-definition';
import type { ProcessMirror } from './process-mirror';

/** How states reach the mirror: pushed by the bridge plugin, or asked for again and again. */
export type MirrorMode = 'bridge' | 'polling';

/**
 * One supervisord, ours or somebody else's, in the words of this service. All calls reject with DaemonError
 * SUPERVISORD_ERROR while it can't be reached; they change nothing then.
 */
export abstract class SupervisorGateway {
  /** States of our processes; the only place to read them. */
  abstract readonly mirror: ProcessMirror;

  abstract readonly mode: MirrorMode;

  /** Names this start of supervisord; null before the first contact. */
  abstract readonly epoch: string | null;

  /** Whether somebody else runs this supervisord. */
  abstract readonly isAttached: boolean;

  /** Why supervisord can't be reached, in words; null when it can. */
  abstract readonly trouble: string | null;

  /** @throws DaemonError SUPERVISORD_ERROR unless supervisord can be reached */
  abstract requireConnection(): void;

  /**
   * Called when contact with a supervisord is made; `isNew`: it is another start of supervisord than the
   * one that was known, so it runs nothing of ours. Actions wait for the listener.
   */
  abstract onContact(listener: (isNew: boolean) => Promise<void>): void;

  /** Starts (or attaches to) supervisord and keeps contact for good. Resolves at the first contact or failure. */
  abstract open(): Promise<void>;

  /** Lets go of supervisord, which runs on. */
  abstract close(): Promise<void>;

  /** Ends the embedded supervisord, whose programs must have been stopped before. */
  abstract shutdown(): Promise<void>;

  /**
   * Makes supervisord know the program as defined; instances that did not change are left alone, those no
   * longer defined are taken away. Calling it twice is safe. When supervisord refuses, all is as before.
   * @throws DaemonError USER_NOT_FOUND, USER_NOT_ALLOWED, PROGRAM_RUNNING (a changed instance runs)
   */
  abstract register(definition: ProcessDefinition): Promise<void>;

  /** Asks supervisord's own parser whether it would take the definition (with the bridge); changes nothing. */
  abstract check(definition: ProcessDefinition): Promise<void>;

  /**
   * Takes a stopped program away from supervisord, and its generated files. @returns whether it was there
   * @throws DaemonError PROGRAM_RUNNING
   */
  abstract unregister(owner: string): Promise<boolean>;

  /** Takes away the generated files of all programs but these. */
  abstract removeStaleFiles(owners: ReadonlySet<string>): void;

  /** What supervisord was last told of a program. */
  abstract definition(owner: string): ProcessDefinition | undefined;

  /** Asks for a start; resolves when supervisord has begun it, not when it runs. Starting what runs is safe. */
  abstract startProcess(instance: Instance): Promise<void>;

  /** Sends the stop signal; resolves then, not when it has ended. Stopping what is stopped is safe. */
  abstract stopProcess(instance: Instance): Promise<void>;

  /** Sends a signal to the process group. A process that is gone is no error. */
  abstract signalProcess(instance: Instance, signal: string): Promise<void>;

  /**
   * Makes an ended instance look as if it had never been started. @returns false, with nothing done, when
   * supervisord has started it again meanwhile
   */
  abstract forgetEnd(instance: Instance): Promise<boolean>;

  /** The value of HOODY_DAEMON_MARK that the processes of an instance carry. */
  abstract markOf(instance: Instance): string;
}
