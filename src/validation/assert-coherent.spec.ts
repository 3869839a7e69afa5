import { assertCoherent, coherenceProblems } from './assert-coherent';

const PORTLESS = { command: './run', environment: {}, port_param: null, port_range: { start: 0, end: 0 } };

it('wants nothing of a program without a port that asks for none', () => {
  expect(() => assertCoherent(PORTLESS)).not.toThrow();
});

it.each<[Partial<Parameters<typeof assertCoherent>[0]>, string]>([
  [{ command: './run {{PORT}}' }, 'command'],
  [{ environment: { URL: 'http://localhost:{{PORT}}/' } }, 'environment.URL'],
  [{ port_param: '--port' }, 'port_param'],
])('refuses %j without a port range, and accepts it with one', (fields, field) => {
  const program = { ...PORTLESS, ...fields };
  expect(coherenceProblems(program).map((p) => p.field)).toEqual([field]);
  expect(() => assertCoherent(program)).toThrow(expect.objectContaining({ code: 'VALIDATION_ERROR' }));
  expect(() => assertCoherent({ ...program, port_range: { start: 80, end: 80 } })).not.toThrow();
});
