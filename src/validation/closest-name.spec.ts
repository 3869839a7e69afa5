import { closestName } from './closest-name';

const KNOWN = ['command', 'user', 'port_range', 'boot'];

it.each([
  ['comand', 'command'],
  ['commnad', 'command'],
  ['Port_Range', 'port_range'],
  ['usr', 'user'],
  ['bot', 'boot'],
  ['x', null],
  ['environment', null],
])('for %s it is %s', (typed, expected) => expect(closestName(typed, KNOWN)).toBe(expected));
