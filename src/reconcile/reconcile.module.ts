import { Module } from '@nestjs/common';
import { JournalModule } from '../events/journal.module';
import { LogsModule } from '../logs/logs.module';
import { EphemeralCleaner } from './ephemeral-cleaner';
import { Reconciler } from './reconciler';
import { Startup } from './startup';

@Module({
  imports: [LogsModule, JournalModule],
  providers: [Reconciler, EphemeralCleaner, Startup],
  exports: [Reconciler],
})
export class ReconcileModule {}
