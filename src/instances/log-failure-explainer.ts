import { Injectable } from '@nestjs/common';
import { statSync } from 'node:fs';
import { StatePaths } from '../config-store/state-paths';
import { diagnosisOf, spawnErrorText, type Diagnosis } from '../diagnosis/diagnosis';
import { DiagnosisService } from '../diagnosis/diagnosis.service';
import type { RunFacts } from '../diagnosis/run-facts';
import { exitStatusOf } from '../domain/states';
import { LogReader } from '../logs/log-reader';
import { groupName, instanceOfGroup, type Instance } from '../supervisor/instance';
import { DEFAULT_PATH } from '../supervisor/launcher';
import type { ProcessDefinition } from '../supervisor/process-definition';
import type { ProcessInfo } from '../supervisor/process-mirror';
import { SupervisorGateway } from '../supervisor/supervisor-gateway';
import { findUser, groupsOf, homeOf } from '../supervisor/system-users';
import { FailureExplainer, type Failure, type FailureFacts, type FailurePhase } from './failure';

const STDERR_LINES = 20;

/** Explains failures from what supervisord, the logs and /proc tell. */
@Injectable()
export class LogFailureExplainer extends FailureExplainer {
  /** Sizes of the error logs when the current runs began. */
  private readonly beginnings = new Map<string, number>();

  constructor(
    private readonly gateway: SupervisorGateway,
    private readonly diagnosis: DiagnosisService,
    private readonly logs: LogReader,
    private readonly paths: StatePaths,
  ) {
    super();
  }

  runBegins(instance: Instance): void {
    this.beginnings.set(groupName(instance), this.stderrSize(instance));
  }

  forget(instance: Instance): void {
    this.beginnings.delete(groupName(instance));
  }

  explain(facts: FailureFacts): { atFirst: Failure; afterALook: Promise<Failure> } {
    const { instance, info, phase } = facts;
    const beginning = this.beginnings.get(groupName(instance)) ?? 0;
    // supervisord may be starting it again already.
    this.runBegins(instance);
    const atFirst = failureOf(plainDiagnosis(info), phase, []);
    const afterALook = this.look(facts, beginning).catch(() => atFirst);
    return { atFirst, afterALook };
  }

  async preflight(definition: ProcessDefinition, instance: Instance): Promise<Failure | null> {
    const run = await this.runFacts(definition, instance);
    if (!run) {
      const missing = diagnosisOf({ cause: 'user_not_found', user: definition.user });
      return failureOf(missing, 'start', []);
    }
    const diagnosis = await this.diagnosis.preflight(run);
    return diagnosis && failureOf(diagnosis, 'start', []);
  }

  private async look(
    { instance, definition, info, phase }: FailureFacts,
    beginning: number,
  ): Promise<Failure> {
    const stderr = await this.stderrSince(instance, beginning);
    const run = definition && (await this.runFacts(definition, instance));
    if (!run) return failureOf(plainDiagnosis(info), phase, stderr);
    const diagnosis = await this.diagnosis.diagnose({
      ...run,
      exitStatus: info.exit,
      signal: info.signal,
      coreDumped: info.coreDumped,
      afterSeconds: afterSeconds(info),
      spawnError: info.spawnError,
      stderr,
    });
    return failureOf(diagnosis, phase, stderr);
  }

  private async runFacts(definition: ProcessDefinition, instance: Instance): Promise<RunFacts | null> {
    const user = await findUser(definition.user);
    if (!user) return null;
    return {
      command: definition.command.replaceAll('{{PORT}}', String(instance.port)),
      user: { ...user, groups: groupsOf(user.name) },
      directory: definition.directory ?? homeOf(user),
      environment: definition.environment,
      path: DEFAULT_PATH,
      port: instance.port,
      mark: this.gateway.markOf(instance),
      programOf: (mark) => instanceOfGroup(mark.slice(mark.lastIndexOf(':') + 1))?.owner ?? null,
    };
  }

  private async stderrSince(instance: Instance, beginning: number): Promise<string[]> {
    const written = this.stderrSize(instance) - beginning;
    const lines = await this.logs.lastLines(instance, 'stderr', STDERR_LINES);
    // After a rotation the file is shorter than before.
    return written < 0 ? lines : lastBytes(lines, written);
  }

  private stderrSize(instance: Instance): number {
    return statSync(this.paths.logFile(instance, 'stderr'), { throwIfNoEntry: false })?.size ?? 0;
  }
}

function failureOf(diagnosis: Diagnosis, phase: FailurePhase, stderr: string[]): Failure {
  return { spawnError: spawnErrorText(diagnosis, phase), diagnosis, stderr };
}

/** What needs no look at anything. */
function plainDiagnosis(info: ProcessInfo): Diagnosis {
  if (info.exit === null && info.signal === null)
    return diagnosisOf({ cause: 'spawn_error', text: info.spawnError ?? 'supervisord gave no reason' });
  const exit_status = exitStatusOf(info.exit, info.signal);
  return diagnosisOf({ cause: 'exited', exit_status, after_seconds: afterSeconds(info), holder: null });
}

function afterSeconds({ startedAt, stoppedAt }: ProcessInfo): number {
  return startedAt === null ? 0 : Math.max(0, (stoppedAt ?? Date.now()) - startedAt) / 1000;
}

/** The last lines that fit into so many bytes, line breaks included (the last may lack its own). */
function lastBytes(lines: string[], bytes: number): string[] {
  let first = lines.length;
  for (let left = bytes + 1; first > 0; first--) {
    left -= Buffer.byteLength(lines[first - 1]!) + 1;
    if (left < 0) break;
  }
  return lines.slice(first);
}
