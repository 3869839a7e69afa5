import type { EventStream, StreamEvent } from '../http/sse-stream';
import type { ChangeJournal } from './change-journal';
import type { CurrentStates, StateSnapshotItem } from './current-states';
import type { EventFilter } from './event-filter';
import type { JournalEntry } from './journal-entry';

const BATCH = 500;
const POSITION_EVERY = 1_000;

/**
 * Tells one client of all changes from a position on. It reads from the journal at the client's pace, so a
 * slow client costs no memory; one that falls behind all that the journal remembers gets a gap.
 */
export class EventSession {
  private position: string;
  private filteredOut = 0;

  constructor(
    private readonly stream: EventStream,
    private readonly journal: ChangeJournal,
    private readonly states: CurrentStates,
    private readonly filter: EventFilter,
    lastEventId: string | null,
  ) {
    this.position = lastEventId ?? journal.newest;
    if (lastEventId === null) this.markPosition();
  }

  /** Resolves when the stream is over. */
  async run(): Promise<void> {
    let wake = (): void => undefined;
    const unlisten = this.journal.listen(() => wake());
    void this.stream.closed.then(() => wake());
    while (!this.stream.isClosed) {
      const { changes, gap } = this.journal.since(this.position, BATCH);
      if (gap) this.tellGap();
      else if (changes.length > 0) this.tell(changes);
      else await new Promise<void>((resolve) => (wake = resolve));
      if (this.stream.isCongested) await this.stream.drained();
    }
    unlisten();
  }

  private tell(changes: JournalEntry[]): void {
    this.position = String(changes.at(-1)!.id);
    const wanted = changes.filter(({ change }) => this.filter.lets(change));
    if (wanted.length > 0) this.stream.sendAll(wanted.map(eventOf));
    this.filteredOut = wanted.length > 0 ? 0 : this.filteredOut + changes.length;
    if (this.filteredOut >= POSITION_EVERY) this.markPosition();
  }

  private tellGap(): void {
    const oldest = this.journal.oldest;
    this.position = this.journal.now;
    this.stream.send({ event: 'gap', id: this.position, data: { oldest, newest: this.position } });
    const current = Array.from(this.states.currentStates()).filter((item) => this.wants(item));
    if (current.length > 0) this.stream.sendAll(current.map((data) => ({ event: 'current', data })));
  }

  private wants({ program }: StateSnapshotItem): boolean {
    return this.filter.lets({ type: 'state', program });
  }

  /**
   * An id without data dispatches no event, but a browser remembers it for `Last-Event-ID`: so a client
   * that was cut off before its first event, or whose filter lets little through, resumes without a gap.
   */
  private markPosition(): void {
    this.stream.comment(`\nid: ${this.position}`);
    this.filteredOut = 0;
  }
}

function eventOf({ id, change, data }: JournalEntry): StreamEvent {
  return { event: change.type, id: String(id), json: data };
}
