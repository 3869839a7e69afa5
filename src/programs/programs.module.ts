import { Module } from '@nestjs/common';
import { HistoryModule } from '../history/history.module';
import { IdempotencyModule } from '../idempotency/idempotency.module';
import { LogsModule } from '../logs/logs.module';
import { ReconcileModule } from '../reconcile/reconcile.module';
import { StatusModule } from '../status/status.module';
import { DesiredPorts } from './desired-ports';
import { InstanceStart } from './instance-start';
import { ProgramActionsService } from './program-actions.service';
import { ProgramChecks } from './program-checks';
import { ProgramEditorService } from './program-editor.service';
import { ProgramLifecycle } from './program-lifecycle';
import { ProgramResetService } from './program-reset.service';
import { ProgramsController } from './programs.controller';
import { ProgramsService } from './programs.service';

@Module({
  imports: [StatusModule, LogsModule, HistoryModule, IdempotencyModule, ReconcileModule],
  controllers: [ProgramsController],
  providers: [
    ProgramsService,
    ProgramActionsService,
    ProgramEditorService,
    ProgramResetService,
    ProgramLifecycle,
    ProgramChecks,
    DesiredPorts,
    InstanceStart,
  ],
})
export class ProgramsModule {}
