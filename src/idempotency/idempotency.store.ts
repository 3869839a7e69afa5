import { Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { DaemonError } from '../domain/errors';
import { type AnswerFile } from './answer-file';
import { type Answer, type Bounds, RememberedAnswers } from './remembered-answers';

const HOUR_MS = 3_600_000;

export const BOUNDS: Bounds = { keys: 10_000, bytes: 32 * 1024 * 1024, ageMs: 24 * HOUR_MS };

/** What the file may hold beside twice what counts, before it is written anew. */
const SLACK_BYTES = 1024 * 1024;

/** A request that carries a key: whose key, and what was asked with it. Both are hashes. */
export interface KeyedRequest {
  scope: string;
  fingerprint: string;
}

interface Running {
  fingerprint: string;
  /** Resolves, and never rejects, when the request has been answered and the answer is remembered or not. */
  done: Promise<void>;
}

/**
 * Runs what carries the same key once, and gives its answer again to whoever repeats it.
 *
 * Promised: an answer that a client has seen is given again for 24 hours, whatever happens to the service in
 * between, because it is on disk before it is sent. Not promised: a crash between the effect of a request and
 * its record leaves no answer that could be given again, so a repetition runs anew. `add` then says
 * PROGRAM_ALREADY_EXISTS, which tells that the first one went through, `edit` makes the same change again, and
 * `quick-start` starts a second time; both are in the list. A record of what has begun would not help: nobody
 * could tell from it whether the effect came about.
 *
 * Not remembered: 5xx, which invite a retry. Beyond 10,000 keys or 32 MiB the oldest are forgotten early.
 */
export class IdempotencyStore implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(IdempotencyStore.name);
  private readonly running = new Map<string, Running>();
  private readonly answers: RememberedAnswers;
  private compactAboveBytes = SLACK_BYTES;

  constructor(
    private readonly file: AnswerFile,
    bounds: Bounds = BOUNDS,
    private readonly now: () => number = Date.now,
  ) {
    this.answers = new RememberedAnswers(bounds);
  }

  /** A file that can't be read is no reason not to start: at worst a repetition is run once more. */
  async onModuleInit(): Promise<void> {
    try {
      const lines = await this.file.read();
      const unusable = lines.filter((line) => !this.answers.restore(line, this.now())).length;
      if (unusable > 0) this.logger.warn(`Ignored ${unusable} damaged lines in ${this.file.path}.`);
      this.compactIfLarge();
    } catch (error) {
      this.logger.error(
        error,
        `Cannot use ${this.file.path}; answers to earlier Idempotency-Keys are forgotten.`,
      );
    }
  }

  onApplicationShutdown(): Promise<void> {
    return this.file.close();
  }

  /**
   * Answers a request, or repeats its answer. While the first one with the same key runs, the others wait.
   * @throws DaemonError IDEMPOTENCY_MISMATCH when the key stands for another request; whatever `run` throws
   */
  async once(
    request: KeyedRequest,
    run: () => Promise<Answer>,
  ): Promise<{ answer: Answer; isReplay: boolean }> {
    for (;;) {
      // What runs comes first: an answer counts only when it is on disk.
      const running = this.running.get(request.scope);
      const earlier = running ? null : this.answers.find(request.scope, this.now());
      assertSame(request, running ?? earlier);
      if (earlier) return { answer: earlier, isReplay: true };
      if (!running) return { answer: await this.runFirst(request, run), isReplay: false };
      // Only one of those who wait becomes the next first, should this one end without an answer to keep.
      await running.done;
    }
  }

  private runFirst(request: KeyedRequest, run: () => Promise<Answer>): Promise<Answer> {
    const work = this.runAndRemember(request, run).finally(() => this.running.delete(request.scope));
    const done = work.then(
      () => {},
      () => {},
    );
    this.running.set(request.scope, { fingerprint: request.fingerprint, done });
    return work;
  }

  private async runAndRemember(request: KeyedRequest, run: () => Promise<Answer>): Promise<Answer> {
    const answer = await run();
    if (answer.status >= 500) return answer;
    const at = this.now();
    const { status, body } = answer;
    const { scope, fingerprint } = request;
    const line = this.answers.add({ scope, fingerprint, at, status, body }, at);
    try {
      await this.file.append(line);
      this.compactIfLarge();
    } catch (error) {
      // The effect is there and the client must learn of it; until the next restart memory remembers.
      this.logger.error(error, `Cannot save an answer to ${this.file.path}.`);
    }
    return answer;
  }

  /** In the background: nobody has to wait for it but the next answer. */
  private compactIfLarge(): void {
    if (this.file.bytes <= this.compactAboveBytes) return;
    this.compactAboveBytes = Infinity;
    void this.file
      .replace(() => this.answers.lines)
      .catch((error: unknown) => this.logger.error(error, `Cannot shorten ${this.file.path}.`))
      .finally(() => (this.compactAboveBytes = 2 * this.file.bytes + SLACK_BYTES));
  }
}

function assertSame(request: KeyedRequest, earlier: { fingerprint: string } | null): void {
  if (earlier === null || earlier.fingerprint === request.fingerprint) return;
  throw new DaemonError(
    'IDEMPOTENCY_MISMATCH',
    'This Idempotency-Key was used for a request with another path or body; send a new key with a new request.',
  );
}
