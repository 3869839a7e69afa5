import { planReconciliation, type ActualInstance, type DesiredProgram, type ReconcilePlan } from './plan';

const web = (change: Partial<DesiredProgram> = {}): DesiredProgram => ({
  owner: 'web',
  ports: [0],
  wanted: [0],
  priority: 999,
  delaySeconds: 0,
  ...change,
});

const known = (state: ActualInstance['state'], change: Partial<ActualInstance> = {}): ActualInstance => ({
  owner: 'web',
  port: 0,
  state,
  wasEverStarted: state !== 'STOPPED',
  ...change,
});

const start = { owner: 'web', port: 0, priority: 999, delaySeconds: 0 };
const one = { owner: 'web', port: 0 };
const nothing: ReconcilePlan = { remove: [], stop: [], start: [] };

describe('The plan from what is to what is wanted', () => {
  it.each<[string, DesiredProgram[], ActualInstance[], Partial<ReconcilePlan>]>([
    ['starts what is wanted and not known', [web()], [], { start: [start] }],
    ['starts what is wanted and stopped', [web()], [known('STOPPED')], { start: [start] }],
    ['leaves what is wanted and runs', [web()], [known('RUNNING')], {}],
    ['leaves what is starting', [web()], [known('STARTING')], {}],
    ['leaves what is tried again', [web()], [known('BACKOFF')], {}],
    ['leaves what ended by itself', [web()], [known('EXITED')], {}],
    ['leaves what failed by itself', [web()], [known('FATAL')], {}],
    ['stops what runs and is not wanted', [web({ wanted: [] })], [known('RUNNING')], { stop: [one] }],
    ['stops what is starting and not wanted', [web({ wanted: [] })], [known('STARTING')], { stop: [one] }],
    ['ends tries that are not wanted', [web({ wanted: [] })], [known('BACKOFF')], { stop: [one] }],
    ['leaves what is stopping and not wanted', [web({ wanted: [] })], [known('STOPPING')], {}],
    ['leaves what is stopped and not wanted', [web({ wanted: [] })], [known('STOPPED')], {}],
    ['removes what is not defined, running', [], [known('RUNNING')], { remove: [one] }],
    ['removes what is not defined, stopped', [], [known('STOPPED')], { remove: [one] }],
    [
      'removes only the instances that are not defined any more',
      [web({ ports: [3001], wanted: [3001] })],
      [known('RUNNING', { port: 3001 }), known('RUNNING', { port: 3002 })],
      { remove: [{ owner: 'web', port: 3002 }] },
    ],
    [
      'decides port by port',
      [web({ ports: [3001, 3002, 3003], wanted: [3001, 3002] })],
      [known('RUNNING', { port: 3001 }), known('RUNNING', { port: 3003 })],
      { start: [{ ...start, port: 3002 }], stop: [{ owner: 'web', port: 3003 }] },
    ],
    [
      'starts a lower priority first, and keeps the order of equals',
      [
        web({ owner: 'c', priority: 20 }),
        web({ owner: 'a', priority: 10, delaySeconds: 5 }),
        web({ owner: 'b', priority: 20 }),
      ],
      [],
      {
        start: [
          { owner: 'a', port: 0, priority: 10, delaySeconds: 5 },
          { owner: 'c', port: 0, priority: 20, delaySeconds: 0 },
          { owner: 'b', port: 0, priority: 20, delaySeconds: 0 },
        ],
      },
    ],
  ])('%s', (_, desired, actual, steps) => {
    expect(planReconciliation(desired, actual, { isShared: false })).toEqual({ ...nothing, ...steps });
  });

  it.each<[string, DesiredProgram[], ActualInstance[], Partial<ReconcilePlan>]>([
    ['leaves what its owner started', [web({ wanted: [] })], [known('RUNNING')], {}],
    ['leaves what its owner stopped', [web()], [known('STOPPED', { wasEverStarted: true })], {}],
    ['starts what never ran', [web()], [known('STOPPED')], { start: [start] }],
    ['starts what is not known', [web()], [], { start: [start] }],
    ['removes what is not defined', [], [known('RUNNING')], { remove: [one] }],
  ])('in a supervisord of somebody else %s', (_, desired, actual, steps) => {
    expect(planReconciliation(desired, actual, { isShared: true })).toEqual({ ...nothing, ...steps });
  });

  it('has nothing left to do after its steps were taken', () => {
    const desired = [web({ ports: [1, 2, 3], wanted: [1, 3] })];
    const actual = [
      known('RUNNING', { port: 2 }),
      known('STOPPED', { port: 3 }),
      known('FATAL', { owner: 'x' }),
    ];
    const { remove, stop, start } = planReconciliation(desired, actual, { isShared: false });
    const key = ({ owner, port }: { owner: string; port: number }) => `${owner} ${port}`;
    const gone = new Set(remove.map(key));
    const stopped = new Set(stop.map(key));
    const after = [
      ...actual
        .filter((instance) => !gone.has(key(instance)) && !start.some((s) => key(s) === key(instance)))
        .map((instance) =>
          stopped.has(key(instance)) ? { ...instance, state: 'STOPPED' as const } : instance,
        ),
      ...start.map(({ owner, port }) => known('RUNNING', { owner, port })),
    ];
    expect(planReconciliation(desired, after, { isShared: false })).toEqual(nothing);
  });
});
