import { Injectable, Logger } from '@nestjs/common';
import { ChangeFeed } from '../events/change-feed';

/** One line for every program that fails, with its cause. */
@Injectable()
export class FailureLog {
  private readonly logger = new Logger('Failures');

  constructor(feed: ChangeFeed) {
    feed.changes.subscribe((change) => {
      if (change.type !== 'state' || change.to !== 'FATAL') return;
      const { program, port, exit_status, spawn_error, pid } = change;
      const instance = port === null ? program : `${program}:${port}`;
      this.logger.warn({
        msg: `${instance} is FATAL: ${spawn_error ?? `exit status ${exit_status}`}`,
        program,
        port,
        pid,
        exit_status,
      });
    });
  }
}
