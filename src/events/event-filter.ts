import type { Change } from '../domain/changes';

/** What of the changes a client wants to see. */
export class EventFilter {
  private readonly programs: ReadonlySet<string> | null;

  constructor(
    programs: string | undefined,
    private readonly type: Change['type'] | undefined,
  ) {
    this.programs = programs === undefined ? null : new Set(programs.split(','));
  }

  /** A change of all programs (`reset`) is one of each. */
  lets({ type, program }: Pick<Change, 'type' | 'program'>): boolean {
    if (this.type !== undefined && type !== this.type) return false;
    return this.programs === null || program === null || this.programs.has(program);
  }
}
