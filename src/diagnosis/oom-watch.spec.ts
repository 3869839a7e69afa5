import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cleanUp, temporaryFolder } from '../../test/fixtures/diag-children';
import { OomWatch } from './oom-watch';

describe('OomWatch', () => {
  afterEach(async () => {
    jest.useRealTimers();
    await cleanUp();
  });

  function aCounter(): { file: string; set: (kills: number) => void } {
    const file = join(temporaryFolder(), 'memory.events');
    const set = (kills: number): void =>
      writeFileSync(file, `low 0\noom 3\noom_kill ${kills}\noom_group_kill 0\n`);
    set(4);
    return { file, set };
  }

  it('notices that the counter has moved', () => {
    const { file, set } = aCounter();
    const watch = new OomWatch([file, '/nope']);
    expect(watch.hasKilledLately()).toBe(false);
    set(5);
    expect(watch.hasKilledLately()).toBe(true);
    expect(watch.hasKilledLately()).toBe(true);
  });

  it('forgets it after some seconds, so that a later kill is not blamed on it', () => {
    jest.useFakeTimers();
    const { file, set } = aCounter();
    const watch = new OomWatch([file]);
    watch.start();
    set(5);
    jest.advanceTimersByTime(1000);
    expect(watch.hasKilledLately()).toBe(true);
    jest.advanceTimersByTime(4000);
    expect(watch.hasKilledLately()).toBe(false);
    watch.stop();
    expect(jest.getTimerCount()).toBe(0);
  });

  it('reads the counters of this machine', () => {
    expect(new OomWatch().hasKilledLately()).toBe(false);
  });
});
