import type { Role } from '../settings/settings';

/** Who sent a request, as far as the service knows. */
export interface Caller {
  /** The name of the token; "anonymous" without one. */
  name: string;
  role: Role;
  /** The address of the peer; "unix" over a unix socket. */
  address: string;
}

declare module 'fastify' {
  interface FastifyRequest {
    caller: Caller;
  }
}
