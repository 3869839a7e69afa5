import { Module } from '@nestjs/common';
import { StatePaths } from '../config-store/state-paths';
import { AnswerFile } from './answer-file';
import { IdempotencyStore } from './idempotency.store';

/** Import it where a route is @Idempotent(). StatePaths comes from a global module. */
@Module({
  providers: [
    {
      provide: IdempotencyStore,
      inject: [StatePaths],
      useFactory: (paths: StatePaths) => new IdempotencyStore(new AnswerFile(paths.idempotency)),
    },
  ],
  exports: [IdempotencyStore],
})
export class IdempotencyModule {}
