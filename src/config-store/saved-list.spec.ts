import { SavedList } from './saved-list';

interface Item {
  id: number;
}

/** Saves that end when the test says so. */
class Disk {
  readonly saves: number[][] = [];
  private pending: { resolve: () => void; reject: (error: Error) => void }[] = [];

  readonly save = (list: readonly Item[]): Promise<void> =>
    new Promise((resolve, reject) => {
      this.saves.push(list.map((item) => item.id));
      this.pending.push({ resolve, reject });
    });

  async finish(error?: Error): Promise<void> {
    while (this.pending.length === 0) await new Promise(setImmediate);
    const { resolve, reject } = this.pending.shift()!;
    if (error) reject(error);
    else resolve();
    await new Promise(setImmediate);
  }
}

const add = (id: number) => (list: readonly Item[]) => [...list, { id }];
const addOnce = (id: number) => (list: readonly Item[]) => {
  if (list.some((item) => item.id === id)) throw new Error('taken');
  return [...list, { id }];
};
const full = new Error('disk full');

function ids(list: SavedList<Item>): number[] {
  return list.current.map((item) => item.id);
}

it('shows a change only when it is saved', async () => {
  const disk = new Disk();
  const list = new SavedList<Item>([], disk.save);
  const done = list.update(add(1));
  expect(ids(list)).toEqual([]);
  await disk.finish();
  await done;
  expect(ids(list)).toEqual([1]);
});

it('saves what comes in during a save together, in one more', async () => {
  const disk = new Disk();
  const list = new SavedList<Item>([], disk.save);
  const first = list.update(add(1));
  await new Promise(setImmediate);
  const others = [2, 3, 4].map((id) => list.update(add(id)));
  await disk.finish();
  await first;
  await disk.finish();
  await Promise.all(others);
  expect(disk.saves).toEqual([[1], [1, 2, 3, 4]]);
});

it('drops a change that throws, and keeps its neighbours', async () => {
  const disk = new Disk();
  const list = new SavedList<Item>([], disk.save);
  const results = Promise.allSettled([
    list.update(addOnce(1)),
    list.update(addOnce(1)),
    list.update(addOnce(2)),
  ]);
  await disk.finish();
  expect((await results).map((r) => r.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(ids(list)).toEqual([1, 2]);
});

it('saves nothing when nothing changes', async () => {
  const disk = new Disk();
  const list = new SavedList<Item>([{ id: 1 }], disk.save);
  await list.update((items) => items);
  await expect(list.update(addOnce(1))).rejects.toThrow('taken');
  expect(disk.saves).toEqual([]);
});

it('refuses all that rested on a failed save, and goes on from what was saved', async () => {
  const disk = new Disk();
  const list = new SavedList<Item>([{ id: 1 }], disk.save);
  const results = Promise.allSettled([
    list.update(addOnce(1)),
    list.update(addOnce(2)),
    // "Taken" would be a lie: the 2 that took it is never saved.
    list.update(addOnce(2)),
    list.update((items) => items),
  ]);
  await disk.finish(full);
  expect((await results).map((r) => (r as PromiseRejectedResult).reason as Error)).toEqual([
    new Error('taken'),
    full,
    full,
    full,
  ]);
  expect(ids(list)).toEqual([1]);

  const later = list.update(addOnce(2));
  await disk.finish();
  await later;
  expect(ids(list)).toEqual([1, 2]);
});

it('replaces the list between the changes before and after', async () => {
  const disk = new Disk();
  const list = new SavedList<Item>([], disk.save);
  const before = list.update(add(1));
  const replaced = list.replace(
    [{ id: 9 }],
    () => Promise.resolve(ids(list)),
    () => Promise.resolve(),
  );
  const after = list.update(add(2));
  await disk.finish();
  await before;
  await disk.finish();
  expect(await replaced).toEqual([1]);
  await disk.finish();
  await after;
  expect(disk.saves).toEqual([[1], [9], [9, 2]]);
});

it('takes the preparation of a replacement back when it cannot be saved', async () => {
  const disk = new Disk();
  const list = new SavedList<Item>([{ id: 1 }], disk.save);
  const undone: string[] = [];
  const replaced = list.replace(
    [{ id: 9 }],
    () => Promise.resolve('backup'),
    (prepared) => Promise.resolve(void undone.push(prepared)),
  );
  const outcome = replaced.catch((error: unknown) => error);
  await disk.finish(full);
  expect(await outcome).toBe(full);
  expect([undone, ids(list)]).toEqual([['backup'], [1]]);
});

it('lets nobody change in memory what is on disk', async () => {
  const list = new SavedList<Item>([{ id: 1 }], () => Promise.resolve());
  await list.update(add(2));
  for (const item of list.current) expect(() => (item.id = 5)).toThrow(TypeError);
  expect(() => (list.current as Item[]).push({ id: 3 })).toThrow(TypeError);
});

it('is settled when all that was asked for is', async () => {
  const list = new SavedList<Item>([], () => new Promise((resolve) => setImmediate(resolve)));
  void list.update(add(1));
  void list.update(add(2));
  await list.settled();
  expect(ids(list)).toEqual([1, 2]);
});
