/** Words at the start of a command that the shell itself understands (dash, bash). */
const SHELL_WORDS = new Set(
  (
    '. : alias bg bind break builtin caller case cd chdir command compgen complete compopt continue coproc ' +
    'declare dirs disown do done echo elif else enable esac eval exec exit export false fc fg fi for function ' +
    'getopts hash help history if in jobs kill let local logout mapfile popd printf pushd pwd read readarray ' +
    'readonly return select set shift shopt source suspend test then time times trap true type typeset ulimit ' +
    'umask unalias unset until wait while'
  ).split(' '),
);

/** Whatever could make the shell do more than run one program; inside quotes too, to be on the safe side. */
const SHELL_SYNTAX = /[;&|<>()`\n\r]/;

/**
 * The program of a simple command ("node" of `node server.js $X`), or null when unsure: shell syntax, a
 * quoted or expanded first word, an assignment, a builtin.
 */
export function firstPlainWord(command: string): string | null {
  const text = command.trim();
  if (SHELL_SYNTAX.test(text)) return null;
  const word = /^[A-Za-z0-9_./][A-Za-z0-9_./+@%,:-]*(?=[ \t]|$)/.exec(text)?.[0] ?? null;
  return word === null || SHELL_WORDS.has(word) ? null : word;
}
