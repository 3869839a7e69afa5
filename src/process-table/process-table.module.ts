import { Module } from '@nestjs/common';
import { ProcessStats } from './process-stats';

@Module({ providers: [ProcessStats], exports: [ProcessStats] })
export class ProcessTableModule {}
