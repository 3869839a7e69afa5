import type { StoredProgram } from '../domain/program';
import { putBack, withoutProgram } from './program-changes';

const listOf = (ids: string) => [...ids].map((id) => ({ id }) as StoredProgram);
const idsOf = (programs: readonly StoredProgram[]) => programs.map(({ id }) => id).join('');

describe('putBack', () => {
  it.each([
    ['abc', 'a', '', 'abc'],
    ['abc', 'b', '', 'abc'],
    ['abc', 'c', '', 'abc'],
    ['abc', 'c', 'd', 'abdc'],
    ['abc', 'b', 'd', 'abcd'],
    ['a', 'a', '', 'a'],
  ])('in %s returns %s to its place, also when %j was added meanwhile', (all, id, added, expected) => {
    const before = listOf(all);
    const program = before.find((one) => one.id === id)!;
    const now = [...withoutProgram(before, id), ...listOf(added)];
    expect(idsOf(putBack(now, program, before))).toBe(expected);
  });
});
