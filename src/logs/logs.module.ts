import { Module } from '@nestjs/common';
import { LogFollowers } from './log-follower';
import { LogReader } from './log-reader';

/** `StatePaths` and `EventStreams` come from global modules. */
@Module({ providers: [LogFollowers, LogReader], exports: [LogFollowers, LogReader] })
export class LogsModule {}
