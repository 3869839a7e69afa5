import { visit } from 'jsonc-parser';
import { DaemonError, type FieldProblem, invalidFields } from '../domain/errors';

export const MAX_JSON_DEPTH = 32;

/**
 * Parses a request body. Stricter than JSON.parse: it refuses what could mean two things (the same key twice
 * in one object), what could reach prototypes, what could exhaust the stack of a recursive reader, and
 * text that no program, file or header can carry (NUL, halves of surrogate pairs).
 *
 * @throws DaemonError VALIDATION_ERROR that names the first field at fault
 */
export function parseStrictJson(text: string): unknown {
  const value = parse(text);
  // JSON.parse goes first and proves the text valid: the visitor forgives mistakes, and this one only looks.
  assertPlain(text);
  return value;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new DaemonError(
      'VALIDATION_ERROR',
      `The request body is not valid JSON: ${(error as Error).message}`,
    );
  }
}

type Path = (string | number)[];

function assertPlain(text: string): void {
  const keysOfOpenObjects: Set<string>[] = [];
  let depth = 0;
  const descend = (): void => {
    if (++depth > MAX_JSON_DEPTH)
      throw new DaemonError(
        'VALIDATION_ERROR',
        `The request body is nested deeper than ${MAX_JSON_DEPTH} levels.`,
      );
  };
  visit(text, {
    onObjectBegin() {
      descend();
      keysOfOpenObjects.push(new Set());
    },
    onObjectEnd() {
      depth--;
      keysOfOpenObjects.pop();
    },
    onArrayBegin: descend,
    onArrayEnd() {
      depth--;
    },
    onObjectProperty(key, _offset, _length, _line, _column, path) {
      const keys = keysOfOpenObjects.at(-1)!;
      refuse(keyProblem(key, keys, () => fieldName([...(path() as Path), key])));
      keys.add(key);
    },
    onLiteralValue(value, _offset, _length, _line, _column, path) {
      if (typeof value === 'string') refuse(textProblem(value, () => fieldName(path())));
    },
  });
}

function refuse(problem: FieldProblem | null): void {
  if (problem) throw invalidFields(problem);
}

function keyProblem(key: string, known: ReadonlySet<string>, name: () => string): FieldProblem | null {
  if (known.has(key)) return problem(name(), (field) => `${field} is given twice; give it once.`);
  if (key === '__proto__') return problem(name(), (field) => `${field} is not a field.`);
  return textProblem(key, name);
}

function textProblem(text: string, name: () => string): FieldProblem | null {
  if (text.includes('\0')) return problem(name(), (field) => `${field} must not contain NUL.`);
  if (!isWellFormed(text)) return problem(name(), (field) => `${field} contains half of a surrogate pair.`);
  return null;
}

function problem(path: string, words: (field: string) => string): FieldProblem {
  // The name itself may be the fault, and an answer must be text that can be printed.
  const field = toWellFormed(path).replaceAll('\0', '\uFFFD');
  return { field, message: words(field) };
}

/** `environment.PATH`, `webhooks.urls[0]`; the body itself when it is nothing but a text. */
function fieldName(path: Path): string {
  const name = path.reduce<string>(
    (base, part) => (typeof part === 'number' ? `${base}[${part}]` : base ? `${base}.${part}` : part),
    '',
  );
  return name || 'body';
}

const LONE_SURROGATE = /\p{Surrogate}/u;

function isWellFormed(text: string): boolean {
  return !LONE_SURROGATE.test(text);
}

function toWellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\uFFFD');
}
