/** Something to do in its turn, or to give up before its turn has come. */
export interface LaneJob {
  run(): Promise<void>;
  drop(): void;
}

/**
 * Queues that run side by side, one job after the other in each. Where a lane, or all of them together,
 * hold too many waiting jobs, the oldest of the lane that grows is dropped.
 */
export class DeliveryLanes {
  private readonly lanes = new Map<string, LaneJob[]>();
  private readonly running = new Set<Promise<void>>();
  private waitingJobs = 0;

  constructor(
    private readonly perLane: number,
    private readonly overall: number,
  ) {}

  get waiting(): number {
    return this.waitingJobs;
  }

  /** Resolves when no job is under way and none waits. */
  async idle(): Promise<void> {
    while (this.running.size > 0) await Promise.all(this.running);
  }

  add(lane: string, job: LaneJob): void {
    const waiting = this.lanes.get(lane);
    if (waiting) {
      waiting.push(job);
      this.waitingJobs += 1;
      if (waiting.length > this.perLane || this.waitingJobs > this.overall) this.take(waiting)?.drop();
      return;
    }
    this.lanes.set(lane, []);
    const run = this.runLane(lane, job).finally(() => this.running.delete(run));
    this.running.add(run);
  }

  dropWaiting(): void {
    for (const waiting of this.lanes.values()) while (waiting.length > 0) this.take(waiting)?.drop();
  }

  private async runLane(lane: string, first: LaneJob): Promise<void> {
    const waiting = this.lanes.get(lane)!;
    for (let job: LaneJob | undefined = first; job; job = this.take(waiting)) await job.run();
    this.lanes.delete(lane);
  }

  private take(waiting: LaneJob[]): LaneJob | undefined {
    const job = waiting.shift();
    if (job) this.waitingJobs -= 1;
    return job;
  }
}
