import { Counter, Gauge, type Registry } from 'prom-client';
import type { StateChange } from '../domain/changes';
import { PUBLIC_STATES } from '../domain/states';
import type { InstanceMetrics, InstanceMetricsSource, ProcessTreeStats } from './instance-metrics-source';
import { RunCounter } from './run-counts';

/** Beyond this many counted instances those that are gone are forgotten, even if nobody ever scrapes. */
const COUNTED_LIMIT = 5_000;

/**
 * At most nine series for an instance (9,000 for 1,000 instances). `hoody_program_state` has one for the
 * state that it is in, not six of 0 and 1; `hoody_instances` counts all states, absent ones too.
 * Everything is set anew at a scrape, so the series of a removed program vanish.
 */
export class ProgramMetrics {
  private readonly counter = new RunCounter();
  private known = 0;
  private readonly up: Gauge;
  private readonly state: Gauge;
  private readonly instances: Gauge;
  private readonly startTime: Gauge;
  private readonly cpu: Gauge;
  private readonly memory: Gauge;
  private readonly processes: Gauge;
  private readonly restarts: Counter;
  private readonly exits: Counter;
  private readonly crashes: Counter;

  constructor(registers: Registry[]) {
    const gauge = (name: string, help: string, labelNames: string[] = ['program', 'port']): Gauge =>
      new Gauge({ name, help, labelNames, registers });
    const counter = (name: string, help: string): Counter =>
      new Counter({ name, help, labelNames: ['program', 'port'], registers });

    this.up = gauge('hoody_program_up', 'Whether the instance is RUNNING.');
    this.state = gauge('hoody_program_state', 'Always 1, with the state of the instance as a label.', [
      'program',
      'port',
      'state',
    ]);
    this.instances = gauge('hoody_instances', 'Number of instances in a state.', ['state']);
    this.startTime = gauge('hoody_program_start_time_seconds', 'When the run began, in seconds since 1970.');
    this.cpu = gauge('hoody_program_cpu_usage_ratio', 'Share of one core that the process tree uses.');
    this.memory = gauge('hoody_program_memory_rss_bytes', 'Resident memory of the process tree.');
    this.processes = gauge('hoody_program_processes', 'Number of processes in the process tree.');
    this.restarts = counter('hoody_program_restarts_total', 'Starts after an end that nobody had asked for.');
    this.exits = counter('hoody_program_exits_total', 'Ends of a run, for whatever reason.');
    this.crashes = counter(
      'hoody_program_crashes_total',
      'Runs and attempts to start that ended in failure.',
    );
  }

  count(change: StateChange, source: InstanceMetricsSource): void {
    this.counter.add(change);
    if (this.counter.size > COUNTED_LIMIT + this.known) this.forgetGone([...source.instances()]);
  }

  /** Sets everything to what is now. One turn for all of it, so that scrapes side by side see no half. */
  refresh(source: InstanceMetricsSource, stats: ReadonlyMap<number, ProcessTreeStats>): void {
    const instances = [...source.instances()];
    this.forgetGone(instances);
    this.reset();
    for (const state of PUBLIC_STATES) this.instances.set({ state }, 0);
    for (const instance of instances) this.show(instance, stats);
  }

  private forgetGone(instances: InstanceMetrics[]): void {
    this.counter.keepOnly(instances);
    this.known = instances.length;
  }

  private reset(): void {
    const { up, state, instances, startTime, cpu, memory, processes, restarts, exits, crashes } = this;
    for (const metric of [up, state, instances, startTime, cpu, memory, processes, restarts, exits, crashes])
      metric.reset();
  }

  private show(instance: InstanceMetrics, stats: ReadonlyMap<number, ProcessTreeStats>): void {
    const labels = { program: instance.program, port: instance.port ? String(instance.port) : '' };
    this.up.set(labels, instance.status === 'RUNNING' ? 1 : 0);
    this.state.set({ ...labels, state: instance.status }, 1);
    this.instances.inc({ state: instance.status });
    if (instance.started_at_ms !== null) this.startTime.set(labels, instance.started_at_ms / 1000);

    const tree = instance.pid === null ? undefined : stats.get(instance.pid);
    if (tree) {
      this.cpu.set(labels, tree.cpu_percent / 100);
      this.memory.set(labels, tree.memory_rss_bytes);
      this.processes.set(labels, tree.process_count);
    }

    const counts = this.counter.of(instance);
    this.restarts.inc(labels, counts.restarts);
    this.exits.inc(labels, counts.exits);
    this.crashes.inc(labels, counts.crashes);
  }
}
