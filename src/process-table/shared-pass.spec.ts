import { SharedPass } from './shared-pass';

/** A pass that ends when told to. */
function controlled() {
  const ends: (() => void)[] = [];
  let began = 0;
  const pass = new SharedPass(async () => {
    const number = ++began;
    await new Promise<void>((resolve) => ends.push(resolve));
    return number;
  });
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return { pass, ends, turn, began: () => began };
}

describe('SharedPass', () => {
  it('serves all who ask before it begins with one pass', async () => {
    const { pass, ends, turn, began } = controlled();
    const answers = Array.from({ length: 1000 }, () => pass.fresh());
    await turn();
    ends[0]!();
    expect(new Set(await Promise.all(answers))).toEqual(new Set([1]));
    expect(began()).toBe(1);
  });

  it('gives those who ask during a pass the next one, so that nobody hears of the time before', async () => {
    const { pass, ends, turn } = controlled();
    const first = pass.fresh();
    await turn();
    const second = [pass.fresh(), pass.fresh()];
    ends[0]!();
    expect(await first).toBe(1);
    while (ends.length < 2) await turn();
    ends[1]!();
    expect(await Promise.all(second)).toEqual([2, 2]);
  });

  it('goes on after a pass that failed', async () => {
    let fails = true;
    const pass = new SharedPass(async () => {
      if (fails) throw new Error('no');
      return 'yes';
    });
    await expect(pass.fresh()).rejects.toThrow('no');
    fails = false;
    await expect(pass.fresh()).resolves.toBe('yes');
  });
});
