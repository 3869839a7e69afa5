import { applyDecorators } from '@nestjs/common';
import { ApiBody, ApiParam, ApiResponse, ApiSecurity } from '@nestjs/swagger';
import type { ErrorCode } from '../domain/errors';
import { STATUS_OF } from '../errors/error-status';
import { EmptyBodyDto } from '../validation/empty-body.dto';
import { ErrorDto } from './error.dto';
import { errorExamples } from './error.examples';

export const ProgramIdParam = (): MethodDecorator =>
  ApiParam({ name: 'id', description: 'The id of the program.', example: 'web-server' });

export const TemporaryIdParam = (): MethodDecorator =>
  ApiParam({ name: 'id', description: 'The temporary id of the program.', example: 'eph-abc123def456' });

/** The errors of a route, beside those that every route has. */
export function ErrorResponses(...codes: ErrorCode[]): MethodDecorator {
  const statuses = [...new Set(codes.map((code) => STATUS_OF[code]))];
  return applyDecorators(
    ...statuses.map((status) => {
      const ofStatus = codes.filter((code) => STATUS_OF[code] === status);
      return ApiResponse({
        status,
        type: ErrorDto,
        description: ofStatus.map((code) => `\`${code}\``).join(', '),
        examples: errorExamples(ofStatus),
      });
    }),
  );
}

/** An action that needs no options: no body, an empty one, `null` and `{}` mean the same. */
export const NoOptions = (): MethodDecorator =>
  ApiBody({
    type: EmptyBodyDto,
    required: false,
    description: 'Nothing, or an empty object.',
    examples: { empty: { summary: 'Nothing', value: {} } },
  });

/** Needs no token. */
export const Open = (): MethodDecorator => ApiSecurity({});
