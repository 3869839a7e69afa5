import { Module } from '@nestjs/common';
import { JournalModule } from '../events/journal.module';
import { HistoryService } from './history.service';

@Module({ imports: [JournalModule], providers: [HistoryService], exports: [HistoryService] })
export class HistoryModule {}
