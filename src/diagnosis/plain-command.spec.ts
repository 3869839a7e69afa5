import { firstPlainWord } from './plain-command';

describe('firstPlainWord', () => {
  it.each([
    ['node server.js', 'node'],
    ['  node\tserver.js ', 'node'],
    ['/opt/app/run.sh --port $PORT', '/opt/app/run.sh'],
    ['./run', './run'],
    ['../bin/run-1.2', '../bin/run-1.2'],
    ['python3.11 -m http.server {{PORT}}', 'python3.11'],
    ['g++ x', 'g++'],
    ['node "a b" \'c\'', 'node'],
  ])('of %j is %j', (command, word) => {
    expect(firstPlainWord(command)).toBe(word);
  });

  it.each([
    ['FOO=1 node'],
    ['"node" x'],
    ["'/opt/my app/run'"],
    ['$NODE x'],
    ['~/bin/run'],
    ['no\\de'],
    ['node*'],
    ['{{PORT}}'],
    ['nodee || node'],
    ['nodee; true'],
    ['nodee & wait'],
    ['nodee | tee out'],
    ['nodee\ntrue'],
    ['f() { true; }'],
    ['nodee `date`'],
    ['nodee > out'],
    ['(nodee)'],
    ['! nodee'],
    ['# comment'],
    ['exec node'],
    ['cd /app'],
    ['. ./env'],
    [':'],
    ['if true'],
    ['trap x'],
    ['[ -f x ]'],
    [''],
    ['   '],
  ])('of %j is unsure', (command) => {
    expect(firstPlainWord(command)).toBeNull();
  });
});
