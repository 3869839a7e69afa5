import { busyPortIn, isAboutUnixSocket } from './busy-port-text';
import { readFailure } from './failure-text';

const lines = (text: string): string[] => text.split('\n');

describe('a busy port, as programs put it', () => {
  it.each<[string, string, number | null]>([
    [
      'node',
      "Error: listen EADDRINUSE: address already in use :::3000\n  code: 'EADDRINUSE',\n  errno: -98,\n  port: 3000\n}\n\nNode.js v20",
      3000,
    ],
    ['node on an address', 'Error: listen EADDRINUSE: address already in use 127.0.0.1:3000', 3000],
    ['old node', 'Error: listen EADDRINUSE :::8080', 8080],
    [
      'bun',
      'error: Failed to start server. Is port 3000 in use?\n syscall: "listen",\n   errno: 0,\n    code: "EADDRINUSE"',
      3000,
    ],
    ['deno', 'error: Uncaught (in promise) AddrInUse: Address already in use (os error 98)', null],
    ['python', 'OSError: [Errno 98] Address already in use', null],
    [
      'uvicorn',
      "ERROR:    [Errno 98] error while attempting to bind on address ('0.0.0.0', 8000): address already in use",
      8000,
    ],
    ['gunicorn', "[2024-01-01 12:30:45 +0000] [7] [ERROR] Connection in use: ('0.0.0.0', 8000)", 8000],
    [
      'flask',
      'Address already in use\nPort 5000 is in use by another program. Either identify and stop that program',
      5000,
    ],
    ['django', 'Error: That port is already in use.', null],
    ['go', '2024/01/01 12:30:45 listen tcp :8080: bind: address already in use', 8080],
    ['go with a source line', 'main.go:42: listen tcp 127.0.0.1:8080: bind: address already in use', 8080],
    ['go v6', 'panic: listen tcp [::]:80: bind: address already in use', 80],
    ['java', 'java.net.BindException: Address already in use (Bind failed)', null],
    ['spring', 'Web server failed to start. Port 8080 was already in use.', 8080],
    ['jetty', 'java.io.IOException: Failed to bind to /0.0.0.0:8080: Address already in use', 8080],
    ['nginx', 'nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)', 80],
    ['nginx v6', 'nginx: [emerg] bind() to [::]:443 failed (98: Unknown error)', 443],
    ['apache', '(98)Address already in use: AH00072: make_sock: could not bind to address [::]:80', 80],
    [
      'ruby',
      'in `initialize\': Address already in use - bind(2) for "127.0.0.1" port 3000 (Errno::EADDRINUSE)',
      3000,
    ],
    ['rust', 'Error: Os { code: 98, kind: AddrInUse, message: "Address already in use" }', null],
    [
      'php',
      '[Mon Jan  1 12:30:45 2024] Failed to listen on localhost:8000 (reason: Address already in use)',
      8000,
    ],
    [
      'redis',
      '7:M 01 Jan 2024 12:30:45.123 # Warning: Could not create server TCP listening socket *:6379: bind: Address already in use',
      6379,
    ],
    [
      'postgres',
      'LOG:  could not bind IPv4 address "127.0.0.1": Address already in use\nHINT:  Is another postmaster already running on port 5432?',
      5432,
    ],
    [
      'mysql',
      "[ERROR] Can't start server: Bind on TCP/IP port: Address already in use\n[ERROR] Do you already have another mysqld server running on port: 3306 ?",
      3306,
    ],
    [
      'haproxy',
      '[ALERT] (7) : Starting proxy web: cannot bind socket (Address already in use) [0.0.0.0:8080]',
      8080,
    ],
    [
      'kestrel',
      'Unhandled exception. System.IO.IOException: Failed to bind to address http://127.0.0.1:5000: address already in use.',
      5000,
    ],
    [
      'caddy',
      'Error: loading initial config: listening on :2019: listen tcp :2019: bind: address already in use',
      2019,
    ],
    ['vite', 'Error: Port 5173 is already in use', 5173],
    ['erlang', '{error,eaddrinuse}', null],
    ['node on a unix socket', 'Error: listen EADDRINUSE: address already in use /run/app.sock', null],
  ])('%s', (_, text, port) => {
    expect(readFailure(lines(text), 1)).toEqual({ kind: 'port_in_use' });
    expect(busyPortIn(lines(text))).toBe(port);
  });

  it('tells unix sockets from ports', () => {
    expect(isAboutUnixSocket(['Error: listen EADDRINUSE: address already in use /run/app.sock'])).toBe(true);
    expect(isAboutUnixSocket(['listen unix /run/app.sock: bind: address already in use'])).toBe(true);
    expect(isAboutUnixSocket(['Error: listen EADDRINUSE: address already in use :::3000'])).toBe(false);
  });

  it('is not taken for fatal where the program tries another one', () => {
    expect(readFailure(['Port 3000 is in use, trying another one...'], 1)).toBeNull();
  });
});

describe('a command that could not be executed, as shells put it', () => {
  it.each<[string, string, string]>([
    ['dash: 1: nodee: not found', 'nodee', 'missing'],
    ['/state/launch/web.sh: 5: exec: nodee: not found', 'nodee', 'missing'],
    ['dash: 1: ./run: Permission denied', './run', 'denied'],
    ['dash: 1: exec: ./run: Exec format error', './run', 'format'],
    ['bash: line 1: nodee: command not found', 'nodee', 'missing'],
    ['bash: ./run: No such file or directory', './run', 'missing'],
    ['bash: line 1: ./run: cannot execute: required file not found', './run', 'missing'],
    ['bash: ./run: /usr/bin/pyton3: bad interpreter: No such file or directory', './run', 'missing'],
    ['bash: line 1: ./app: cannot execute binary file: Exec format error', './app', 'format'],
    ['bash: line 1: ./d: Is a directory', './d', 'directory'],
    ['sh: nodee: not found', 'nodee', 'missing'],
    ['zsh:1: command not found: nodee', 'nodee', 'missing'],
    ['env: ‘nodee’: No such file or directory', 'nodee', 'missing'],
    ["/usr/bin/env: 'pyton3\r': No such file or directory", 'pyton3\r', 'missing'],
    ["env: can't execute 'nodee': No such file or directory", 'nodee', 'missing'],
    ['setpriv: failed to execute nodee: No such file or directory', 'nodee', 'missing'],
    ['setpriv: failed to execute ./my run: Permission denied', './my run', 'denied'],
    ["nohup: failed to run command 'nodee': No such file or directory", 'nodee', 'missing'],
  ])('%j', (line, file, error) => {
    expect(readFailure([line], 127)).toEqual({ kind: 'exec_failed', file, error });
    expect(readFailure([line], 3)?.kind).not.toBe('exec_failed');
  });

  it.each([
    ["web.sh: 3: cd: can't cd to /nope dir", '/nope dir', false],
    ['bash: line 1: cd: /nope: No such file or directory', '/nope', false],
    ['bash: line 1: cd: /root: Permission denied', '/root', true],
  ])('%j', (line, directory, isDenied) => {
    expect(readFailure([line], 127)).toEqual({ kind: 'cd_failed', directory, isDenied });
  });
});

describe('other ends, as programs put them', () => {
  it.each([
    ['Error: listen EACCES: permission denied 0.0.0.0:80', { kind: 'listen_denied', port: 80 }],
    [
      'nginx: [emerg] bind() to 0.0.0.0:80 failed (13: Permission denied)',
      { kind: 'listen_denied', port: 80 },
    ],
    ['listen tcp :80: bind: permission denied', { kind: 'listen_denied', port: 80 }],
    [
      '(13)Permission denied: AH00072: make_sock: could not bind to address [::]:80',
      { kind: 'listen_denied', port: 80 },
    ],
    ["Error: EACCES: permission denied, open '/var/log/x'", { kind: 'open_denied', path: '/var/log/x' }],
    ["PermissionError: [Errno 13] Permission denied: '/var/x'", { kind: 'open_denied', path: '/var/x' }],
    ['sh: 1: cannot create /var/x: Permission denied', { kind: 'open_denied', path: '/var/x' }],
    ['panic: open /etc/shadow: permission denied', { kind: 'open_denied', path: '/etc/shadow' }],
    ["OSError: [Errno 24] Too many open files: '/x'", { kind: 'too_many_open_files' }],
    ["Error: EMFILE, open '/x'", { kind: 'too_many_open_files' }],
    ['sh: 1: exec: sleep: Argument list too long', { kind: 'argument_list_too_long' }],
    ['Error: spawn E2BIG', { kind: 'argument_list_too_long' }],
    ['MemoryError', { kind: 'out_of_memory', detail: 'MemoryError' }],
    [
      'Exception in thread "main" java.lang.OutOfMemoryError: Java heap space',
      { kind: 'out_of_memory', detail: 'java.lang.OutOfMemoryError: Java heap space' },
    ],
    [
      'sh: 1: Cannot fork: Cannot allocate memory',
      { kind: 'out_of_memory', detail: 'Cannot allocate memory' },
    ],
    ['just some words', null],
    ['AH00558: could not bind to address [::]:80: Cannot assign requested address', null],
    ['GET /orders?port=3000 200', null],
  ])('%j', (line, finding) => {
    expect(readFailure([line], 1)).toEqual(finding);
  });

  it('reads hostile output in next to no time', () => {
    const hostile = [
      ':1'.repeat(500_000),
      'cannot open /'.repeat(80_000),
      'listen EACCES: permission denied '.repeat(30_000),
      "EACCES: permission denied, x '".repeat(30_000),
      'address already in use '.repeat(40_000) + 'port: '.repeat(40_000),
      ': not found'.repeat(100_000),
      '12:30:45'.repeat(100_000),
      ' '.repeat(1_000_000) + 'x',
    ];
    const all = [...hostile, ...hostile, ...hostile].slice(0, 20);
    const began = performance.now();
    readFailure(all, 127);
    readFailure(all, 1);
    busyPortIn(all.map((line) => line.slice(0, 2000)));
    expect(performance.now() - began).toBeLessThan(500);
  });
});
