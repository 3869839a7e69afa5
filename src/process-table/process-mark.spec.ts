import { cleanUp, startChild, until } from '../../test/fixtures/diag-children';
import { formatMark, isSameInstance, markIn, markOf, parseMark } from './process-mark';

const MARK = 'state1:epoch1:hoody_web_3000';

describe('process marks', () => {
  afterEach(cleanUp);

  it('is read from the environment of a process', async () => {
    const child = startChild('/bin/sleep', ['300'], { env: { A: 'x', HOODY_DAEMON_MARK: MARK, Z: 'y' } });
    await until(() => markOf(child.pid) === MARK);
  });

  it('is found behind an environment of megabytes', async () => {
    const large = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`A${i}`, 'x'.repeat(100_000)]));
    const child = startChild('/bin/sleep', ['300'], { env: { ...large, HOODY_DAEMON_MARK: MARK } });
    await until(() => markOf(child.pid) === MARK);
  });

  it.each([
    ['none', 'A=1\0B=2\0', null],
    ['empty', '', null],
    ['the first entry', `HOODY_DAEMON_MARK=${MARK}\0B=2\0`, MARK],
    ['the last entry, cut off', `B=2\0HOODY_DAEMON_MARK=${MARK}`, MARK],
    ['only inside the value of another variable', `B=HOODY_DAEMON_MARK=${MARK}\0`, null],
    ['in a longer name', `XHOODY_DAEMON_MARK=${MARK}\0`, null],
    ['behind a value that mentions it', `B= HOODY_DAEMON_MARK=x\0HOODY_DAEMON_MARK=${MARK}\0`, MARK],
  ])('in an environment: %s', (_, environment, expected) => {
    expect(markIn(Buffer.from(environment))).toBe(expected);
  });

  it('can be taken apart and put together', () => {
    expect(parseMark(MARK)).toEqual({ stateId: 'state1', epoch: 'epoch1', group: 'hoody_web_3000' });
    expect(formatMark(parseMark(MARK)!)).toBe(MARK);
    expect(parseMark('anything else')).toBeNull();
  });

  it('tells the same instance under an earlier supervisord from another one', () => {
    expect(isSameInstance(MARK, 'state1:epoch0:hoody_web_3000')).toBe(true);
    expect(isSameInstance(MARK, 'state1:epoch1:hoody_web_3001')).toBe(false);
    expect(isSameInstance(MARK, 'state2:epoch1:hoody_web_3000')).toBe(false);
    expect(isSameInstance(MARK, null)).toBe(false);
    expect(isSameInstance(null, null)).toBe(false);
  });
});
