import { ValidateBy } from 'class-validator';

/**
 * What a rule found wrong. `at` leads from the field to the place inside it ("[1]", ".PATH"; "" for the
 * field itself); `message` follows the name: "must be …".
 */
export interface Finding {
  at: string;
  message: string;
}

export type Check = (value: unknown) => Finding | null;

/** A class-validator decorator whose errors can point into lists and maps. */
export function fieldRule(name: string, check: Check): PropertyDecorator {
  const find = (value: unknown): Finding | null => {
    if (value === undefined) return finding('is required');
    return check(value);
  };
  return ValidateBy({
    name,
    validator: {
      validate: (value) => find(value) === null,
      defaultMessage: (args) => encode(find(args?.value) ?? finding('is not valid')),
    },
  });
}

export function finding(message: string, at = ''): Finding {
  return { at, message };
}

/*
 * class-validator lets a rule answer one string only, so place and message travel in it, with a separator
 * that no message has.
 */
const SEPARATOR = '\u001f';

function encode({ at, message }: Finding): string {
  return at + SEPARATOR + message;
}

/** null: the text comes from another rule, it is a whole sentence. */
export function decodeFinding(text: string): Finding | null {
  const end = text.indexOf(SEPARATOR);
  return end < 0 ? null : { at: text.slice(0, end), message: text.slice(end + 1) };
}

/** The key of a map as a part of a path: `.PATH`, or `["a b"]` where a dot would mislead. */
export function keyPath(key: string): string {
  if (/^[\w-]{1,64}$/.test(key)) return `.${key}`;
  return `[${JSON.stringify(key.length > 64 ? `${key.slice(0, 61)}…` : key)}]`;
}
