import { Module } from '@nestjs/common';
import { StatePaths } from '../config-store/state-paths';
import { ChangeFeed } from './change-feed';
import { ChangeJournal } from './change-journal';

/** Needs ChangeFeed and StatePaths from global modules. */
@Module({
  providers: [
    {
      provide: ChangeJournal,
      inject: [ChangeFeed, StatePaths],
      useFactory: (feed: ChangeFeed, paths: StatePaths) => new ChangeJournal(feed, paths),
    },
  ],
  exports: [ChangeJournal],
})
export class JournalModule {}
