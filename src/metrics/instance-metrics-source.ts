import type { PublicState } from '../domain/states';

export interface InstanceMetrics {
  program: string;
  /** null or 0 for a program without a port. */
  port: number | null;
  status: PublicState;
  pid: number | null;
  /** When the run began, in milliseconds since 1970; null when it does not run. */
  started_at_ms: number | null;
}

/** Of the whole process tree. */
export interface ProcessTreeStats {
  /** Share of one core. */
  cpu_percent: number;
  memory_rss_bytes: number;
  process_count: number;
  started_at: string;
}

/** What is known about instances and supervisord at the moment of a scrape. */
export abstract class InstanceMetricsSource {
  /** All instances that are listed; out of memory, without asking supervisord. */
  abstract instances(): Iterable<InstanceMetrics>;

  /** By pid; a pid that is gone is absent. A rejection leaves cpu and memory out of the scrape. */
  abstract stats(pids: number[]): Promise<ReadonlyMap<number, ProcessTreeStats>>;

  /** Does supervisord answer? */
  abstract connected(): boolean;

  /** How states are learnt. */
  abstract mode(): 'bridge' | 'polling';
}
