import type { Delivery } from './delivery';

export const DELIVERIES_KEPT = 50;

/** The last 50 deliveries of every program, in memory. */
export class DeliveryLog {
  private readonly programs = new Map<string, Delivery[]>();

  add(program: string, delivery: Delivery): void {
    const deliveries = this.programs.get(program) ?? [];
    deliveries.push(delivery);
    if (deliveries.length > DELIVERIES_KEPT) deliveries.shift();
    this.programs.set(program, deliveries);
  }

  /** Newest first. */
  of(program: string): Delivery[] {
    return structuredClone(this.programs.get(program) ?? []).reverse();
  }

  forget(program: string): void {
    this.programs.delete(program);
  }

  forgetAllBut(programs: ReadonlySet<string>): void {
    for (const program of this.programs.keys()) if (!programs.has(program)) this.programs.delete(program);
  }
}
