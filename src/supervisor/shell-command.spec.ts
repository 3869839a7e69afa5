import { execFileSync } from 'node:child_process';
import { isSimpleCommand, shellQuote } from './shell-command';

describe('isSimpleCommand', () => {
  it.each([
    'node server.js',
    '/usr/bin/env node',
    '  python3 -m http.server {{PORT}}  ',
    `php artisan queue:work --sleep=3 --name='a; b' "c | d"`,
    'node server.js --home=$HOME',
    'ls *.txt ~/x',
    './run',
    `printf-like '%s\n' 'line\nbreak'`,
  ])('takes %j for one plain command', (text) => expect(isSimpleCommand(text)).toBe(true));

  it.each([
    '',
    '   ',
    'cd /app && node x',
    'A=1 node x',
    'node x &',
    'node x; sleep 1',
    'node x | cat',
    'node x > out',
    'node x < in',
    '(node x)',
    'node $(which x)',
    'node `which x`',
    'node "$(which x)"',
    'node ${X:=y}',
    'node x # comment',
    '# comment',
    'node x\nsleep 1',
    'node x\r',
    'node a\\ b',
    'node x\\',
    `node 'unfinished`,
    'node "unfinished',
    'echo hello',
    'exit 3',
    'exec node x',
    'if true; then x; fi',
    'trap x TERM',
    '. ./env',
    '{ node x',
    '! node x',
    '~/run x',
    '"quoted name" x',
    '$NODE x',
    '-a node',
  ])('leaves %j to the shell', (text) => expect(isSimpleCommand(text)).toBe(false));
});

describe('shellQuote', () => {
  it.each(['', 'plain', "it's", "''", '$HOME `id` "x" \\', 'line\nbreak', "'; id; '"])(
    'makes %j a word that the shell reads as it is',
    (text) => {
      expect(execFileSync('sh', ['-c', `printf %s ${shellQuote(text)}`]).toString()).toBe(text);
    },
  );
});
