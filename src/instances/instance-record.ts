import { exitStatusOf, type PublicState } from '../domain/states';
import type { ProcessInfo } from '../supervisor/process-mirror';
import type { Failure } from './failure';

/** What the service knows of an instance beyond what supervisord tells. */
export class InstanceRecord {
  failure: Failure | null = null;
  /** Of the last run; 0 while it runs. */
  exitStatus = 0;
  /** Starts that were accepted and have not reached supervisord yet. */
  queuedStarts = 0;
  /** The first failure of this attempt is the verdict: supervisord must not try again. */
  isSingleShot = false;
  /** What was last told to the world. */
  announced: PublicState = 'STOPPED';
  announcedPid: number | null = null;
  /** Settles when everything announced so far has been told; null when it has. */
  announcing: Promise<void> | null = null;

  /** supervisord's eight states folded into ours. */
  fold(info: ProcessInfo | undefined): PublicState {
    switch (info?.state) {
      case 'RUNNING':
      case 'STARTING':
      case 'STOPPING':
        return info.state;
      case 'UNKNOWN':
        return 'UNKNOWN';
      case 'BACKOFF':
        return this.isSingleShot ? 'FATAL' : 'STARTING';
      case 'EXITED':
        if (this.queuedStarts > 0) return 'STARTING';
        return exitStatusOf(info.exit, info.signal) === 0 ? 'STOPPED' : 'FATAL';
      case 'FATAL':
        return this.queuedStarts > 0 ? 'STARTING' : 'FATAL';
      case 'STOPPED':
      case undefined:
        if (this.queuedStarts > 0) return 'STARTING';
        return this.failure ? 'FATAL' : 'STOPPED';
    }
  }
}
