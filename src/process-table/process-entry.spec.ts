import { parseStat } from './process-entry';

const REST = ' 0 0 0 0 17 0 0 0';

describe('parseStat', () => {
  it.each([
    ['node', 'node'],
    ['a b', 'a b'],
    ['evil) S 1 (x', 'evil) S 1 (x'],
    ['))', '))'],
    ['', ''],
  ])('reads the fields behind the name "%s"', (comm, expected) => {
    const text = `4711 (${comm}) R 12 4700 4700 0 -1 4194304 1 2 3 4 150 50 30 20 20 0 1 0 987654 3133440 414${REST}`;
    expect(parseStat(text)).toEqual({
      pid: 4711,
      comm: expected,
      state: 'R',
      ppid: 12,
      pgid: 4700,
      cpuTicks: 200,
      endedChildrenTicks: 50,
      startTicks: 987654,
      rssPages: 414,
    });
  });

  it('answers null for what is no such file', () => {
    expect(parseStat('')).toBeNull();
    expect(parseStat('12 garbage')).toBeNull();
  });
});
