import { inSlices } from './slices';

describe('inSlices', () => {
  it('visits all items in order and lets others run in between', async () => {
    const seen: number[] = [];
    let turns = 0;
    const count = (): void => {
      turns++;
      if (seen.length < 20) setImmediate(count);
    };
    setImmediate(count);

    await inSlices(
      Array.from({ length: 20 }, (_, i) => i),
      (item) => {
        const end = performance.now() + 1;
        while (performance.now() < end);
        seen.push(item);
      },
    );

    expect(seen).toEqual(Array.from({ length: 20 }, (_, i) => i));
    expect(turns).toBeGreaterThanOrEqual(5);
  });
});
