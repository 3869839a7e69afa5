import { Module } from '@nestjs/common';
import { IdempotencyModule } from '../idempotency/idempotency.module';
import { InstancesModule } from '../instances/instances.module';
import { LogsModule } from '../logs/logs.module';
import { EphemeralInstances } from './ephemeral-instances';
import { EphemeralSweeper } from './ephemeral-sweeper';
import { QuickStartController } from './quick-start.controller';
import { QuickStartService } from './quick-start.service';

@Module({
  imports: [InstancesModule, LogsModule, IdempotencyModule],
  controllers: [QuickStartController],
  providers: [QuickStartService, EphemeralInstances, EphemeralSweeper],
})
export class QuickStartModule {}
