import { PROGRAM_DEFAULTS, type Program, type StoredProgram } from '../domain/program';
import { wantedAtBoot, withoutCutShortEdits } from './boot-modes';

const RANGE = { start: 3001, end: 3003 };

function stored(change: Partial<StoredProgram> = {}): StoredProgram {
  return {
    ...PROGRAM_DEFAULTS,
    ...{ id: 'web', name: 'Web', command: 'web', user: 'app', enabled: true, hoody_kit: false },
    ...{ port_range: { start: 0, end: 0 }, wanted: [], previous: null },
    ...change,
  };
}

function versionOf({ wanted: _, previous: __, ...program }: StoredProgram): Program {
  return program;
}

describe('What is wanted when supervisord comes up anew', () => {
  it.each<[string, Partial<StoredProgram>, number[]]>([
    ['what was wanted, with restore', { boot: 'restore', wanted: [0] }, [0]],
    ['nothing, with restore, when nothing was', { boot: 'restore' }, []],
    ['some ports, with restore', { boot: 'restore', port_range: RANGE, wanted: [3002] }, [3002]],
    ['a program that did not run, with always', { boot: 'always' }, [0]],
    ['all ports, with always', { boot: 'always', port_range: RANGE, wanted: [3002] }, [3001, 3002, 3003]],
    ['nothing, with never', { boot: 'never', wanted: [0] }, []],
    ['no port, with never', { boot: 'never', port_range: RANGE, wanted: [3001] }, []],
    ['nothing of a disabled program, even with always', { boot: 'always', enabled: false }, []],
  ])('is %s', (_, program, wanted) => {
    expect(wantedAtBoot([stored(program)])).toEqual([stored({ ...program, wanted })]);
  });

  it('is the same list when nothing changes, so that nothing is saved', () => {
    const programs = [stored({ wanted: [0] }), stored({ id: 'all', boot: 'always', wanted: [0] })];
    expect(wantedAtBoot(programs)).toBe(programs);
  });
});

describe('An edit that was cut short', () => {
  const before = stored({ command: 'old', port_range: RANGE });

  it.each<[string, Partial<StoredProgram>, Partial<StoredProgram>]>([
    ['of the command', { command: 'new', wanted: [3001] }, { wanted: [3001] }],
    [
      'of the ports, which keeps those that both versions have',
      { port_range: { start: 3003, end: 3005 }, wanted: [3003, 3004] },
      { wanted: [3003] },
    ],
    ['that disabled the program', { enabled: false, wanted: [3001, 3002] }, { wanted: [3001, 3002] }],
  ])('%s is taken back', (_, edit, after) => {
    const halfDone = { ...before, ...edit, previous: versionOf(before) };
    expect(withoutCutShortEdits([halfDone])).toEqual([{ ...before, ...after }]);
  });

  it('does not change what other programs are', () => {
    const other = stored({ id: 'other', wanted: [0] });
    const halfDone = { ...before, command: 'new', previous: versionOf(before) };
    expect(withoutCutShortEdits([other, halfDone])).toEqual([other, before]);
  });

  it('that there is none of gives the same list, so that nothing is saved', () => {
    const programs = [stored()];
    expect(withoutCutShortEdits(programs)).toBe(programs);
  });
});
