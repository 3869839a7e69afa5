import { plainToInstance } from 'class-transformer';
import { getMetadataStorage, validateSync } from 'class-validator';
import type { FieldProblem } from '../domain/errors';
import { escapeKeys, isDeeperThan } from './safe-keys';
import { fieldProblems } from './validation-problems';

type Class<T> = new () => T;

type Validated<T> = { fields: T; problems: null } | { fields: null; problems: FieldProblem[] };

/** No DTO comes near it. */
const MAX_DEPTH = 16;

/** The value as an instance of the DTO class, or what is wrong with its fields. Not for asynchronous rules. */
export function validateFields<T extends object>(dto: Class<T>, value: object, noun = 'field'): Validated<T> {
  const tooDeep = Object.entries(value)
    .find(([, item]) => isDeeperThan(MAX_DEPTH, item))?.[0]
    ?.slice(0, 64);
  if (tooDeep !== undefined)
    return { fields: null, problems: [{ field: tooDeep, message: `${tooDeep} is nested too deeply` }] };
  const fields = plainToInstance(dto, escapeKeys(value));
  const errors = validateSync(fields, {
    whitelist: true,
    forbidNonWhitelisted: true,
    // A DTO without fields has no rules, and class-validator would refuse all of its values.
    forbidUnknownValues: hasRules(dto),
    stopAtFirstError: true,
    validationError: { target: true, value: false },
  });
  return errors.length === 0
    ? { fields, problems: null }
    : { fields: null, problems: fieldProblems(errors, noun) };
}

function hasRules(dto: Class<object>): boolean {
  return getMetadataStorage().getTargetValidationMetadatas(dto, '', false, false).length > 0;
}
