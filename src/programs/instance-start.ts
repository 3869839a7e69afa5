import { Injectable } from '@nestjs/common';
import { diagnosisOf } from '../diagnosis/diagnosis';
import { DaemonError } from '../domain/errors';
import type { StoredProgram } from '../domain/program';
import type { PublicState } from '../domain/states';
import { InstanceBoard } from '../instances/instance-board';
import { InstanceRunner } from '../instances/instance-runner';
import { startFailed } from '../instances/start-failed';
import type { StartLane } from '../instances/start-lane';
import { waitForPort } from '../process-table/port-ready';
import { definitionOf } from '../supervisor/process-definition';
import { DesiredPorts } from './desired-ports';

/** `running`: the process stays up. `port`: it accepts connections, too. */
export const WAIT_FOR = ['running', 'port'] as const;
export type WaitFor = (typeof WAIT_FOR)[number];

export interface StartRequest {
  /** Seconds until the verdict; null: the program's start_seconds and 30. */
  timeout: number | null;
  waitFor: WaitFor;
  /** Of starts that are asked for together. */
  lane?: StartLane;
}

export interface Started {
  status: PublicState;
  pid: number | null;
  wasRunning: boolean;
  /** Milliseconds until it accepted connections; only when that was waited for. */
  readyAfterMs: number | null;
}

const DEFAULT_PATIENCE_S = 30;

/** Starts and stops one instance of a program and puts the outcome in the API's words. */
@Injectable()
export class InstanceStart {
  constructor(
    private readonly runner: InstanceRunner,
    private readonly board: InstanceBoard,
    private readonly desired: DesiredPorts,
  ) {}

  /** @throws DaemonError START_FAILED, START_TIMEOUT */
  async startAndWait(program: StoredProgram, port: number, request: StartRequest): Promise<Started> {
    const beganAt = Date.now();
    const patienceMs = (request.timeout ?? program.start_seconds + DEFAULT_PATIENCE_S) * 1000;
    const stillWanted = () => this.desired.assertWanted(program.id, port);
    const options = { isSingleShot: true, stillWanted, lane: request.lane };
    const instance = { owner: program.id, port };
    const verdict = await this.runner.start(definitionOf(program), instance, options, patienceMs);
    switch (verdict.kind) {
      case 'failed':
        throw startFailed(verdict.failure, verdict.exitStatus);
      case 'timeout':
        throw startTimeout(program, port, patienceMs, verdict.status);
      case 'running': {
        const readyAfterMs =
          request.waitFor === 'port' ? await this.untilReady(program, port, beganAt, patienceMs) : null;
        return { status: 'RUNNING', pid: verdict.pid, wasRunning: verdict.wasRunning, readyAfterMs };
      }
    }
  }

  /** Begins the start; automatic retries apply. @throws DaemonError START_FAILED when it is plain that it can't */
  async startOnly(program: StoredProgram, port: number, lane?: StartLane): Promise<Started> {
    const stillWanted = () => this.desired.assertWanted(program.id, port);
    const options = { isSingleShot: false, stillWanted, lane };
    const instance = { owner: program.id, port };
    const begun = await this.runner.begin(definitionOf(program), instance, options);
    if ('kind' in begun && begun.kind === 'failed') throw startFailed(begun.failure, begun.exitStatus);
    const wasRunning = 'kind' in begun && begun.kind === 'running' && begun.wasRunning;
    const { pid } = this.board.status(instance);
    return { status: wasRunning ? 'RUNNING' : 'STARTING', pid, wasRunning, readyAfterMs: null };
  }

  /** @throws DaemonError START_FAILED when it ends while it is waited for, START_TIMEOUT */
  private async untilReady(
    program: StoredProgram,
    port: number,
    beganAt: number,
    patienceMs: number,
  ): Promise<number> {
    const instance = { owner: program.id, port };
    const ended = new AbortController();
    void this.runner.untilNotRunning(instance, patienceMs).then(() => ended.abort());
    const isReady = await waitForPort(port, {
      timeoutMs: Math.max(1, beganAt + patienceMs - Date.now()),
      signal: ended.signal,
    });
    const { status, failure, exitStatus } = this.board.status(instance);
    if (isReady) return Date.now() - beganAt;
    if (failure && status !== 'RUNNING') throw startFailed(failure, exitStatus);
    throw new DaemonError(
      'START_TIMEOUT',
      `Program "${program.id}" runs, but nothing accepts connections on port ${port} after ${patienceMs / 1000} s.`,
      { status, diagnosis: diagnosisOf({ cause: 'not_listening', port }) },
    );
  }
}

function startTimeout(
  program: StoredProgram,
  port: number,
  patienceMs: number,
  status: PublicState,
): DaemonError {
  const which = port ? ` on port ${port}` : '';
  return new DaemonError(
    'START_TIMEOUT',
    `Program "${program.id}"${which} is not RUNNING after ${patienceMs / 1000} s. It goes on starting; see its status.`,
    { status },
  );
}
