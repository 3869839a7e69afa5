import { applyDecorators } from '@nestjs/common';
import { ApiParam, ApiResponse, ApiSecurity } from '@nestjs/swagger';
import type { ErrorCode } from '../domain/errors';
import { STATUS_OF } from '../errors/error-status';
import { ErrorDto } from './error.dto';

export const ProgramIdParam = (): MethodDecorator =>
  ApiParam({ name: 'id', description: 'The id of the program.', example: 'web-server' });

export const TemporaryIdParam = (): MethodDecorator =>
  ApiParam({ name: 'id', description: 'The temporary id of the program.', example: 'eph-abc123def456' });

/** The errors of a route, beside those that every route has. */
export function ErrorResponses(...codes: ErrorCode[]): MethodDecorator {
  const statuses = [...new Set(codes.map((code) => STATUS_OF[code]))];
  return applyDecorators(
    ...statuses.map((status) =>
      ApiResponse({
        status,
        type: ErrorDto,
        description: codes
          .filter((code) => STATUS_OF[code] === status)
          .map((code) => `\`${code}\``)
          .join(', '),
      }),
    ),
  );
}

/** Needs no token. */
export const Open = (): MethodDecorator => ApiSecurity({});
