import type { ArgumentMetadata } from '@nestjs/common';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, Max } from 'class-validator';
import type { DaemonError } from '../domain/errors';
import { ProgramFieldsDto } from './program-fields.dto';
import { createValidationPipe } from './validation-pipe';
import { IsFlag, Optional } from './value-rules';

class OptionsDto {
  @IsFlag()
  @Optional(true)
  wait?: boolean | null;
}

class LinesDto {
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Max(10)
  lines?: number;
}

class NothingDto {}

const pipe = createValidationPipe();

function transformed(
  value: unknown,
  metatype: ArgumentMetadata['metatype'],
  type: ArgumentMetadata['type'] = 'body',
) {
  return pipe.transform(value, { metatype, type });
}

function refused(...args: Parameters<typeof transformed>): DaemonError {
  try {
    transformed(...args);
  } catch (error) {
    expect(error).toMatchObject({ name: 'DaemonError', code: 'VALIDATION_ERROR' });
    return error as DaemonError;
  }
  throw new Error('was accepted');
}

it.each([undefined, null, {}])('takes the body %j as no options', (body) => {
  expect(transformed(body, OptionsDto)).toBeInstanceOf(OptionsDto);
  expect(transformed(body, OptionsDto)).toEqual({});
});

it.each([[[]], [[{ wait: true }]], ['text'], [5], [true], [false], [0], ['']])(
  'refuses the body %j',
  (body) => {
    expect(refused(body, OptionsDto).message).toBe('The request body must be a JSON object.');
  },
);

it('answers the fields at fault as details', () => {
  const error = refused({ wait: 'no', prot: 1 }, OptionsDto);
  expect(error.message).toBe("'prot' is not a known field; wait must be true or false");
  expect(error.extra).toEqual({
    details: [
      { field: 'prot', message: "'prot' is not a known field" },
      { field: 'wait', message: 'wait must be true or false' },
    ],
  });
});

it('works with rules of class-validator too', () => {
  expect(transformed({ lines: '5' }, LinesDto, 'query')).toEqual({ lines: 5 });
  expect(refused({ lines: '11' }, LinesDto, 'query').message).toBe('lines must not be greater than 10');
});

it('names unknown and repeated query parameters', () => {
  expect(refused({ line: '5' }, LinesDto, 'query').message).toBe(
    "'line' is not a known query parameter; did you mean 'lines'?",
  );
  expect(refused({ lines: ['5', '6'] }, LinesDto, 'query').message).toBe('lines is given more than once');
});

it('refuses any field where none is known', () => {
  expect(transformed({}, NothingDto)).toEqual({});
  expect(refused({ x: 1 }, NothingDto).message).toBe("'x' is not a known field");
});

it('passes through what is not a DTO', () => {
  expect(transformed('web', String, 'param')).toBe('web');
  expect(transformed([1], Array)).toEqual([1]);
  expect(transformed({ a: 1 }, undefined)).toEqual({ a: 1 });
});

it('refuses endless nesting without running out of stack', () => {
  const deep = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000)) as unknown;
  expect(refused({ name: deep }, ProgramFieldsDto).message).toBe('name is nested too deeply');
});

it('leaves what was sent untouched', () => {
  const sent = JSON.parse(
    '{"name":"a","command":"b","user":"c","environment":{"constructor":"d"}}',
  ) as object;
  const before = JSON.stringify(sent);
  transformed(sent, ProgramFieldsDto);
  expect(JSON.stringify(sent)).toBe(before);
});
