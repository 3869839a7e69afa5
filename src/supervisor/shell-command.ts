/* Words that the shell itself runs or reads; `exec` would not find them, or find something else. */
const SHELL_WORDS = new Set(
  (
    '! { } [[ ]] case do done elif else esac fi for function if in select then time until while ' +
    '. : [ alias bg break cd chdir command continue echo eval exec exit export false fc fg getopts hash jobs ' +
    'kill local printf pwd read readonly return set shift source test times trap true type ulimit umask ' +
    'unalias unset wait'
  ).split(' '),
);

/*
 * A word, then words, quoted strings and plain expansions. No operator, substitution, comment, assignment in
 * front, or line break: for anything that is not obviously one command, the shell stays.
 */
const FIRST_WORD = /^[A-Za-z0-9_./+@][A-Za-z0-9_./+@-]*(?=[ \t]|$)/;
const FURTHER_WORDS = /^(?:[^;&|<>()`#\n\r"'\\$!]|'[^']*'|"[^"`\\$]*"|\$[A-Za-z_][A-Za-z0-9_]*)*$/;

/** Whether the text is one plain command, so that the shell can be replaced by it with `exec`. */
export function isSimpleCommand(text: string): boolean {
  const first = FIRST_WORD.exec(text.replace(/^[ \t]+/, ''))?.[0];
  return first !== undefined && !SHELL_WORDS.has(first) && FURTHER_WORDS.test(text);
}

/** A word that the shell reads as exactly this text. */
export function shellQuote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
