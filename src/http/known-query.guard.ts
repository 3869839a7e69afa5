import {
  type CanActivate,
  type CustomDecorator,
  type ExecutionContext,
  Injectable,
  SetMetadata,
} from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { type FieldProblem, invalidFields } from '../domain/errors';

const IGNORES_QUERY = Symbol('IgnoresQuery');

/** For routes that answer whatever the query says (health, metrics): probes add parameters of their own. */
export const IgnoresQuery = (): CustomDecorator<symbol> => SetMetadata(IGNORES_QUERY, true);

/**
 * Refuses repeated query parameters everywhere, and unknown ones on routes that do not take a query as a
 * whole; where a route has `@Query() query: SomeDto`, the validation of the DTO refuses unknown ones.
 */
@Injectable()
export class KnownQueryGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    const targets = [context.getHandler(), context.getClass()];
    if (this.reflector.getAllAndOverride<boolean>(IGNORES_QUERY, targets)) return true;
    const { query } = context.switchToHttp().getRequest<FastifyRequest>();
    const problems = queryProblems(query as Record<string, unknown>, knownNames(context));
    if (problems.length > 0) throw invalidFields(...problems);
    return true;
  }
}

/** The names of a route's query parameters; null when a DTO knows them. */
function knownNames(context: ExecutionContext): ReadonlySet<string> | null {
  const metadata: unknown = Reflect.getMetadata(
    ROUTE_ARGS_METADATA,
    context.getClass(),
    context.getHandler().name,
  );
  const args = (metadata ?? {}) as Record<string, { data?: unknown }>;
  const names = Object.entries(args)
    .filter(([kind]) => kind.startsWith(`${RouteParamtypes.QUERY}:`))
    .map(([, arg]) => arg.data);
  return names.every((name) => typeof name === 'string') ? new Set(names) : null;
}

function queryProblems(query: Record<string, unknown>, known: ReadonlySet<string> | null): FieldProblem[] {
  return Object.entries(query ?? {}).flatMap(([field, value]) => {
    // class-transformer drops this name in silence, so no DTO would ever see it.
    const isUnknown = field === '__proto__' || (known !== null && !known.has(field));
    if (isUnknown) return [{ field, message: `${field} is not a query parameter of this path.` }];
    if (Array.isArray(value)) return [{ field, message: `${field} is given more than once; give it once.` }];
    return [];
  });
}
