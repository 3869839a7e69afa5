import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { diagnose, type FailureFacts } from './diagnose';
import type { Diagnosis } from './diagnosis';
import { OomWatch } from './oom-watch';
import { preflight } from './preflight';
import type { RunFacts } from './run-facts';

/** Says why a program can't start, or why it ended. */
@Injectable()
export class DiagnosisService implements OnModuleInit, OnModuleDestroy {
  private readonly oomWatch = new OomWatch();

  onModuleInit(): void {
    this.oomWatch.start();
  }

  onModuleDestroy(): void {
    this.oomWatch.stop();
  }

  /** Before a start: why it is bound to fail, or null. */
  preflight(run: RunFacts): Promise<Diagnosis | null> {
    return preflight(run);
  }

  /** After a failure, as soon as it is known. */
  diagnose(failure: FailureFacts): Promise<Diagnosis> {
    const kernelKilledForMemory = failure.kernelKilledForMemory ?? this.oomWatch.hasKilledLately();
    return diagnose({ ...failure, kernelKilledForMemory });
  }
}
