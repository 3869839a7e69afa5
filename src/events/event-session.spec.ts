import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StatePaths } from '../config-store/state-paths';
import type { PublicState } from '../domain/states';
import type { EventStream, StreamEvent } from '../http/sse-stream';
import { ChangeFeed } from './change-feed';
import { ChangeJournal } from './change-journal';
import { EventFilter } from './event-filter';
import { EventSession } from './event-session';

describe('A session with one client', () => {
  let root: string;
  let feed: ChangeFeed;
  let journal: ChangeJournal;

  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), 'session-'));
    feed = new ChangeFeed();
    journal = new ChangeJournal(feed, new StatePaths(root));
    await journal.onModuleInit();
  });

  afterEach(async () => {
    await journal.onApplicationShutdown();
    rmSync(root, { recursive: true, force: true });
  });

  it('never tells after a gap of a change that the current states hold already', async () => {
    goesTo('STARTING');
    const { stream, session } = open('lost', 'STARTING');
    const run = session.run();
    goesTo('RUNNING');
    await told(2);
    stream.end();
    await run;
    expect(stream.events).toMatchObject([
      { event: 'gap' },
      { event: 'current', data: { state: 'STARTING' } },
      { event: 'state', json: expect.stringContaining('"to":"RUNNING"') },
    ]);
  });

  it('marks its position now and then while the filter lets nothing through', async () => {
    const { stream, session } = open(null, 'RUNNING', new EventFilter('worker', undefined));
    const run = session.run();
    for (let i = 0; i < 1_200; i++) goesTo('RUNNING');
    await told(1_200);
    stream.end();
    await run;
    expect(stream.events).toEqual([]);
    expect(stream.comments).toHaveLength(2);
    expect(journal.since(stream.comments[1]!.replace('\nid: ', '')).changes.length).toBeLessThan(500);
  });

  it('listens no more when its stream is over', async () => {
    const { stream, session } = open(null, 'RUNNING');
    const run = session.run();
    stream.end();
    await run;
    goesTo('RUNNING');
    await told(1);
    expect(stream.events).toEqual([]);
  });

  function open(
    lastEventId: string | null,
    state: PublicState,
    filter = new EventFilter(undefined, undefined),
  ) {
    const item = { program: 'web', port: null, state, pid: 1, exit_status: 0, spawn_error: null };
    const stream = new FakeStream();
    const states = { currentStates: () => [item] };
    const session = new EventSession(stream as unknown as EventStream, journal, states, filter, lastEventId);
    return { stream, session };
  }

  function goesTo(to: PublicState): void {
    const time = new Date().toISOString();
    const nothing = { port: null, pid: null, exit_status: null, spawn_error: null };
    feed.publish({ type: 'state', program: 'web', from: 'STOPPED', to, time, ...nothing });
  }

  async function told(count: number): Promise<void> {
    let heard = 0;
    await new Promise<void>((resolve) => {
      const unlisten = journal.listen(() => {
        heard += 1;
        if (heard < count) return;
        unlisten();
        // Sessions that listen too have heard it by then.
        setImmediate(resolve);
      });
    });
  }
});

/** Takes everything at once. */
class FakeStream {
  readonly events: StreamEvent[] = [];
  readonly comments: string[] = [];
  isClosed = false;
  readonly isCongested = false;
  private over = (): void => undefined;
  readonly closed = new Promise<void>((resolve) => (this.over = resolve));

  send(event: StreamEvent): void {
    this.events.push(event);
  }

  sendAll(events: readonly StreamEvent[]): void {
    this.events.push(...events);
  }

  comment(text: string): void {
    this.comments.push(text);
  }

  end(): void {
    this.isClosed = true;
    this.over();
  }
}
