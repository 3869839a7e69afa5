import { getMetadataStorage, type ValidationError } from 'class-validator';
import type { FieldProblem } from '../domain/errors';
import { closestName } from './closest-name';
import { decodeFinding } from './field-rule';
import { unescapeKey } from './safe-keys';

/** More would not help anybody, and an answer must not grow with what was sent. */
const MAX_PROBLEMS = 20;

/** class-validator's tree of errors as a list of fields with messages for people. */
export function fieldProblems(errors: readonly ValidationError[], noun = 'field'): FieldProblem[] {
  return first(errors)
    .flatMap((error) => problemsOf(error, '', noun))
    .slice(0, MAX_PROBLEMS);
}

/** Each brings at least one problem, and a body of 1 MiB has room for 100,000: the words for all take seconds. */
function first(errors: readonly ValidationError[]): readonly ValidationError[] {
  return errors.slice(0, MAX_PROBLEMS);
}

function problemsOf(error: ValidationError, parent: string, noun: string): FieldProblem[] {
  const name = shortened(unescapeKey(error.property));
  const path = joined(parent, name);
  const own = Object.entries(error.constraints ?? {}).map(([rule, text]) => {
    if (rule === 'whitelistValidation')
      return { field: path, message: unknownField(path, name, error.target, noun) };
    const finding = decodeFinding(text);
    if (finding) return { field: path + finding.at, message: `${path}${finding.at} ${finding.message}` };
    return { field: path, message: text.startsWith(`${name} `) ? path + text.slice(name.length) : text };
  });
  return [...own, ...first(error.children ?? []).flatMap((child) => problemsOf(child, path, noun))];
}

function joined(parent: string, name: string): string {
  if (parent === '') return name;
  return /^\d+$/.test(name) ? `${parent}[${name}]` : `${parent}.${name}`;
}

function unknownField(path: string, name: string, target: object | undefined, noun: string): string {
  const meant = target ? closestName(name, knownFields(target)) : null;
  return `'${path}' is not a known ${noun}${meant ? `; did you mean '${meant}'?` : ''}`;
}

function knownFields(target: object): string[] {
  const rules = getMetadataStorage().getTargetValidationMetadatas(target.constructor, '', false, false);
  return [...new Set(rules.map((rule) => rule.propertyName))];
}

function shortened(name: string): string {
  return name.length > 64 ? `${name.slice(0, 61)}…` : name;
}
