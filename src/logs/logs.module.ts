import { Module } from '@nestjs/common';
import { LogFollowers } from './log-follower';
import { LogReader } from './log-reader';
import { LogsService } from './logs.service';

/** `StatePaths` and `EventStreams` come from global modules. */
@Module({ providers: [LogFollowers, LogReader, LogsService], exports: [LogReader, LogsService] })
export class LogsModule {}
