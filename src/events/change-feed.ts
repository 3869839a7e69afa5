import { Injectable } from '@nestjs/common';
import { Subject } from 'rxjs';
import type { Change, ConfigAction } from '../domain/changes';

/** All changes of states and configuration, in order, as they happen. Subscribers must not throw or block. */
@Injectable()
export class ChangeFeed {
  private readonly subject = new Subject<Change>();
  readonly changes = this.subject.asObservable();

  publish(change: Change): void {
    this.subject.next(change);
  }

  publishConfig(action: ConfigAction, program: string | null): void {
    this.publish({ type: 'config', action, program, time: new Date().toISOString() });
  }
}
