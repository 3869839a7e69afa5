import type { ArgumentMetadata, PipeTransform, Type } from '@nestjs/common';
import { DaemonError, invalidFields } from '../domain/errors';
import { validateFields } from './validate-fields';

const NOUNS: Record<ArgumentMetadata['type'], string> = {
  body: 'field',
  query: 'query parameter',
  param: 'path parameter',
  custom: 'field',
};

export function createValidationPipe(): PipeTransform<unknown> {
  return new RequestValidationPipe();
}

/**
 * Turns what was sent into an instance of the route's DTO class, or throws VALIDATION_ERROR.
 *
 * Not Nest's ValidationPipe: that one silently deletes keys like "constructor" and "prototype", and a
 * program may have environment variables of these names.
 */
class RequestValidationPipe implements PipeTransform<unknown> {
  transform(value: unknown, { metatype, type }: ArgumentMetadata): unknown {
    if (!isDtoClass(metatype) || type === 'custom') return value;
    const sent = value ?? {};
    if (typeof sent !== 'object' || Array.isArray(sent))
      throw new DaemonError('VALIDATION_ERROR', 'The request body must be a JSON object.');
    if (type === 'query') refuseRepeated(sent);
    const { fields, problems } = validateFields(metatype, sent, NOUNS[type]);
    if (problems) throw invalidFields(...problems);
    return fields;
  }
}

function isDtoClass(metatype: ArgumentMetadata['metatype']): metatype is Type<object> {
  const plain: unknown[] = [undefined, String, Boolean, Number, Array, Object, Buffer, Date];
  return !plain.includes(metatype);
}

/** The parser of query strings makes a list of a parameter that is given twice. */
function refuseRepeated(query: object): void {
  const repeated = Object.entries(query).filter(([, value]) => Array.isArray(value));
  if (repeated.length > 0)
    throw invalidFields(
      ...repeated.map(([name]) => ({ field: name, message: `${name} is given more than once` })),
    );
}
