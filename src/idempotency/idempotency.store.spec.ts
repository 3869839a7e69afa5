import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { DaemonError } from '../domain/errors';
import { AnswerFile } from './answer-file';
import { fingerprintOf, scopeOf } from './fingerprint';
import { BOUNDS, IdempotencyStore, type KeyedRequest } from './idempotency.store';
import type { Answer, Bounds } from './remembered-answers';

const HOUR_MS = 3_600_000;
const ADDED: Answer = { status: 201, body: { success: true, message: 'Program added successfully' } };

let folder: string;
let path: string;
let clock = 0;
const stores: IdempotencyStore[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'idempotency-'));
  path = join(folder, 'idempotency.json');
  clock = Date.parse('2026-01-01T00:00:00Z');
  jest.spyOn(Logger.prototype, 'warn').mockImplementation();
});

afterEach(async () => {
  await Promise.all(stores.splice(0).map((store) => store.onApplicationShutdown()));
  rmSync(folder, { recursive: true });
  jest.restoreAllMocks();
});

/** Another start of the service on the same file; the one before may just as well have been killed. */
async function aStore(bounds: Partial<Bounds> = {}): Promise<IdempotencyStore> {
  const store = new IdempotencyStore(new AnswerFile(path), { ...BOUNDS, ...bounds }, () => clock);
  stores.push(store);
  await store.onModuleInit();
  return store;
}

const asked = (key: string, body?: unknown, url = '/programs/add', caller = 'ops'): KeyedRequest => ({
  scope: scopeOf(caller, key),
  fingerprint: fingerprintOf({ method: 'POST', url, body }),
});

const answering = (answer: Answer = ADDED) => jest.fn(() => Promise.resolve(answer));

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(
    () => null,
    (failure: unknown) => failure,
  );
  return error instanceof DaemonError ? error.code : String(error);
}

describe('a request with a key that was used before', () => {
  it.each([
    ['the same body', { a: 1, b: { c: 2, d: 3 } }, { a: 1, b: { c: 2, d: 3 } }],
    ['its keys in another order', { a: 1, b: { c: 2, d: 3 } }, { b: { d: 3, c: 2 }, a: 1 }],
    ['no body, and null', undefined, null],
  ])('gets the first answer again, and nothing is done twice: %s', async (_what, first, second) => {
    const store = await aStore();
    await store.once(asked('k', first), answering());
    const again = answering({ status: 200, body: 'another' });
    expect(await store.once(asked('k', second), again)).toEqual({
      answer: expect.objectContaining(ADDED),
      isReplay: true,
    });
    expect(again).not.toHaveBeenCalled();
  });

  it.each([
    ['another body', asked('k', { a: 2 })],
    ['a list in another order', asked('k', { a: [2, 1] })],
    ['another path', asked('k', { a: [1, 2] }, '/quick-start')],
    ['another query', asked('k', { a: [1, 2] }, '/programs/add?x=1')],
  ])('is refused when it has %s', async (_what, other) => {
    const store = await aStore();
    await store.once(asked('k', { a: [1, 2] }), answering());
    const run = answering();
    expect(await codeOf(store.once(other, run))).toBe('IDEMPOTENCY_MISMATCH');
    expect(run).not.toHaveBeenCalled();
  });

  it('is a new one when it comes from another caller', async () => {
    const store = await aStore();
    await store.once(asked('k'), answering());
    expect(await store.once(asked('k', { other: true }, '/x', 'dev'), answering())).toMatchObject({
      isReplay: false,
    });
  });

  it('gets a 4xx again, but is run anew after a 5xx', async () => {
    const store = await aStore();
    for (const [key, status, isReplay] of [
      ['conflict', 409, true],
      ['failed', 422, true],
      ['broken', 500, false],
      ['unreachable', 503, false],
      ['late', 504, false],
    ] as const) {
      await store.once(asked(key), answering({ status, body: {} }));
      expect([key, (await store.once(asked(key), answering())).isReplay]).toEqual([key, isReplay]);
    }
  });

  it('is run anew after 24 hours, and not before', async () => {
    const store = await aStore();
    await store.once(asked('k'), answering());
    clock += 24 * HOUR_MS - 1;
    expect((await store.once(asked('k'), answering())).isReplay).toBe(true);
    clock += 1;
    expect((await store.once(asked('k', { other: true }), answering())).isReplay).toBe(false);
  });
});

describe('a request with a key that is just being used', () => {
  function gated(end: () => Answer) {
    let go!: () => void;
    const gate = new Promise<void>((resolve) => (go = resolve));
    return { go, run: jest.fn(() => gate.then(end)) };
  }

  it('waits and gets the same answer', async () => {
    const store = await aStore();
    const { go, run } = gated(() => ADDED);
    const all = [1, 2, 3, 4].map(() => store.once(asked('k'), run));
    go();
    expect((await Promise.all(all)).map(({ isReplay }) => isReplay)).toEqual([false, true, true, true]);
    expect(run).toHaveBeenCalledTimes(1);
  });

  it('is refused at once when it asks for something else', async () => {
    const store = await aStore();
    const { go, run } = gated(() => ADDED);
    const first = store.once(asked('k'), run);
    expect(await codeOf(store.once(asked('k', { other: true }), answering()))).toBe('IDEMPOTENCY_MISMATCH');
    go();
    await first;
  });

  it('takes its place when it fails with nothing to remember, one after the other', async () => {
    const store = await aStore();
    const { go, run } = gated(() => {
      throw new Error('disk on fire');
    });
    let atOnce = 0;
    let most = 0;
    const next = jest.fn(async () => {
      most = Math.max(most, ++atOnce);
      await new Promise(setImmediate);
      atOnce--;
      return { status: 503, body: {} };
    });
    const first = codeOf(store.once(asked('k'), run));
    const others = [1, 2, 3].map(() => store.once(asked('k'), next));
    go();
    expect(await first).toBe('Error: disk on fire');
    await Promise.all(others);
    expect(next).toHaveBeenCalledTimes(3);
    expect(most).toBe(1);
  });
});

describe('the file of answers', () => {
  it('carries them over a kill and a new start', async () => {
    const before = await aStore();
    await Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        before.once(asked(`k${i}`), answering({ status: 201, body: { i } })),
      ),
    );
    const after = await aStore();
    for (let i = 0; i < 50; i++)
      expect(await after.once(asked(`k${i}`), answering())).toMatchObject({
        answer: { status: 201, body: { i } },
        isReplay: true,
      });
  });

  it('holds an answer before the client gets it', async () => {
    const store = await aStore();
    await store.once(asked('k'), answering());
    expect(readFileSync(path, 'utf8')).toContain('Program added successfully');
  });

  it('repeats no answer that it does not hold yet', async () => {
    const store = await aStore();
    const saved: string[] = [];
    const append = AnswerFile.prototype.append;
    jest.spyOn(AnswerFile.prototype, 'append').mockImplementation(async function (
      this: AnswerFile,
      line: string,
    ) {
      await new Promise(setImmediate);
      await append.call(this, line);
      saved.push('saved');
    });
    const first = store.once(asked('k'), answering());
    await Promise.resolve().then(() => {});
    const second = store.once(asked('k'), answering()).then(() => saved.push('repeated'));
    await Promise.all([first, second]);
    expect(saved).toEqual(['saved', 'repeated']);
  });

  it('is for its owner only, also when it was not', async () => {
    writeFileSync(path, '', { mode: 0o644 });
    await (await aStore()).once(asked('k'), answering());
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('holds neither keys nor bodies nor names of callers', async () => {
    const store = await aStore();
    await store.once(
      asked('the-key', { environment: { PASSWORD: 'hunter2' } }, '/programs/add', 'the-caller'),
      answering(),
    );
    expect(readFileSync(path, 'utf8')).not.toMatch(/the-key|hunter2|PASSWORD|the-caller/);
  });

  it.each([
    ['a torn last line', '{"scope":"x","finge'],
    ['zeros, as a power cut leaves them', '\0\0\0\0'],
    ['a line of somebody else', '{"hello":"world"}\nnull\n[]\n'],
  ])('may end in %s: nothing else is lost, before or after it', async (_what, damage) => {
    await (await aStore()).once(asked('before'), answering());
    appendFileSync(path, damage);
    await (await aStore()).once(asked('after'), answering());
    const store = await aStore();
    expect((await store.once(asked('before'), answering())).isReplay).toBe(true);
    expect((await store.once(asked('after'), answering())).isReplay).toBe(true);
  });

  it('does not bring back what is over', async () => {
    await (await aStore()).once(asked('k'), answering());
    clock += 24 * HOUR_MS;
    expect((await (await aStore()).once(asked('k'), answering())).isReplay).toBe(false);
  });

  it('does not prolong an answer when the clock was set back', async () => {
    clock += 100 * HOUR_MS;
    await (await aStore()).once(asked('k'), answering());
    clock -= 100 * HOUR_MS;
    const store = await aStore();
    clock += 24 * HOUR_MS;
    expect((await store.once(asked('k'), answering())).isReplay).toBe(false);
  });

  it('forgets the oldest beyond its number of keys', async () => {
    const store = await aStore({ keys: 3 });
    for (const key of ['a', 'b', 'c', 'd']) await store.once(asked(key), answering());
    expect((await store.once(asked('b'), answering())).isReplay).toBe(true);
    expect((await store.once(asked('a'), answering())).isReplay).toBe(false);
  });

  it('forgets the oldest beyond its bytes', async () => {
    const store = await aStore({ bytes: 2500 });
    const large = answering({ status: 200, body: 'x'.repeat(1000) });
    for (const key of ['a', 'b', 'c']) await store.once(asked(key), large);
    expect((await store.once(asked('c'), large)).isReplay).toBe(true);
    expect((await store.once(asked('a'), large)).isReplay).toBe(false);
  });

  it('does not grow without end, and loses nothing when it is shortened', async () => {
    const store = await aStore({ keys: 5 });
    const large = answering({ status: 200, body: 'x'.repeat(100_000) });
    for (let i = 0; i < 60; i++) await store.once(asked(`k${i}`), large);
    await store.onApplicationShutdown();
    expect(statSync(path).size).toBeLessThan(2.6e6);
    const after = await aStore({ keys: 5 });
    for (let i = 55; i < 60; i++) expect((await after.once(asked(`k${i}`), large)).isReplay).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('that cannot be written takes no answer away: the client gets it, and memory repeats it', async () => {
    const logged = jest.spyOn(Logger.prototype, 'error').mockImplementation();
    mkdirSync(path);
    const store = await aStore();
    expect(await store.once(asked('k'), answering())).toEqual({ answer: ADDED, isReplay: false });
    expect((await store.once(asked('k'), answering())).isReplay).toBe(true);
    expect(logged).toHaveBeenCalled();
  });
});
