import { Global, Module } from '@nestjs/common';
import { DiagnosisModule } from '../diagnosis/diagnosis.module';
import { CurrentStates } from '../events/current-states';
import { LogsModule } from '../logs/logs.module';
import { InstanceMetricsSource } from '../metrics/instance-metrics-source';
import { ProcessTableModule } from '../process-table/process-table.module';
import { FailureDetails } from '../webhooks/failure-details';
import { FailureExplainer } from './failure';
import { InstanceBoard } from './instance-board';
import { InstanceRunner } from './instance-runner';
import { ListedInstances } from './listed-instances';
import { LogFailureExplainer } from './log-failure-explainer';
import { ProgramLocks } from './program-locks';

/** The states of all instances, for everybody who shows them, and the means to start and stop them. */
@Global()
@Module({
  imports: [DiagnosisModule, LogsModule, ProcessTableModule],
  providers: [
    { provide: FailureExplainer, useClass: LogFailureExplainer },
    InstanceBoard,
    InstanceRunner,
    ProgramLocks,
    ListedInstances,
    { provide: CurrentStates, useExisting: ListedInstances },
    { provide: InstanceMetricsSource, useExisting: ListedInstances },
    { provide: FailureDetails, useExisting: ListedInstances },
  ],
  exports: [
    InstanceBoard,
    InstanceRunner,
    ProgramLocks,
    CurrentStates,
    InstanceMetricsSource,
    FailureDetails,
    ProcessTableModule,
  ],
})
export class InstancesModule {}
