import { Module } from '@nestjs/common';
import { EventsController } from './events.controller';
import { EventsService } from './events.service';
import { JournalModule } from './journal.module';

/** Needs EventStreams and CurrentStates from global modules. */
@Module({
  imports: [JournalModule],
  controllers: [EventsController],
  providers: [EventsService],
  exports: [JournalModule],
})
export class EventsModule {}
