import { RE2JS } from 're2js';
import { invalidFields } from '../domain/errors';

export const GREP_MODES = ['substring', 'regex'] as const;
export type GrepMode = (typeof GREP_MODES)[number];

const MAX_PATTERN_LENGTH = 1000;
/** Together they bound what one line can cost to some 10 ms, whatever the expression. */
const MAX_PROGRAM_SIZE = 500;
const MAX_MATCHED_CHARS = 8192;

export interface LineMatcher {
  /** What to look for as bytes, where that is all. */
  needle: Buffer | null;
  matches(line: string): boolean;
}

/**
 * A regular expression is RE2's dialect, matched in linear time: one that sets a backtracking engine running
 * for hours costs no more than any other. It sees the first 8192 characters of a line. Throws
 * `VALIDATION_ERROR` for one that is not valid or too large.
 */
export function lineMatcher(pattern: string, mode: GrepMode = 'substring'): LineMatcher {
  if (pattern.length > MAX_PATTERN_LENGTH) {
    throw invalidFields({
      field: 'grep',
      message: `grep must be at most ${MAX_PATTERN_LENGTH} characters long`,
    });
  }
  if (/[\r\n]/.test(pattern)) {
    throw invalidFields({
      field: 'grep',
      message: 'grep must not hold line breaks: it is looked for line by line',
    });
  }
  if (mode === 'substring')
    return { needle: Buffer.from(pattern), matches: (line) => line.includes(pattern) };
  const expression = compile(pattern);
  return { needle: null, matches: (line) => expression.test(line.slice(0, MAX_MATCHED_CHARS)) };
}

function compile(pattern: string): RE2JS {
  const tooLarge = invalidFields({
    field: 'grep',
    message: 'grep is too large a regular expression: use smaller repetitions',
  });
  // Seen before compiling, as that alone could take hundreds of milliseconds.
  if (sumOfRepetitions(pattern) > MAX_PROGRAM_SIZE) throw tooLarge;
  let expression: RE2JS;
  try {
    expression = RE2JS.compile(pattern);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw invalidFields({ field: 'grep', message: `grep is not a regular expression: ${reason}` });
  }
  if (expression.programSize() > MAX_PROGRAM_SIZE) throw tooLarge;
  return expression;
}

function sumOfRepetitions(pattern: string): number {
  const counts = [...pattern.matchAll(/\{(\d+)(?:,(\d*))?\}/g)];
  return counts.reduce((sum, [, least, most]) => sum + Number(most || least), 0);
}
