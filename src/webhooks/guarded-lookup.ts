import { lookup as dnsLookup, type LookupAddress, type LookupAllOptions } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { isRefusedAddress } from './address-guard';

export type ResolveAll = (
  host: string,
  options: LookupAllOptions,
  done: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/**
 * The lookup of a connector: the addresses that it answers are the ones connected to, so a name can't
 * show one address to a check and another to the connection. One refused address refuses the name.
 */
export function guardedLookup(resolve: ResolveAll = dnsLookup): LookupFunction {
  return (host, options, done) => {
    resolve(host, { ...options, all: true }, (error, addresses) => {
      const problem = error ?? lookupProblem(host, addresses);
      if (problem) return done(problem, '', 0);
      if (options.all) return done(null, addresses);
      return done(null, addresses[0]!.address, addresses[0]!.family);
    });
  };
}

/** The error of a lookup that found a refused address. */
export function isRefusal(error: unknown): boolean {
  return error instanceof RefusedAddressError;
}

class RefusedAddressError extends Error {
  readonly code = 'EACCES';
}

function lookupProblem(host: string, addresses: LookupAddress[]): NodeJS.ErrnoException | null {
  const refused = addresses.find(({ address }) => isRefusedAddress(address));
  if (refused)
    return new RefusedAddressError(
      `${host} leads to ${refused.address}, a loopback, private or link-local address`,
    );
  return addresses.length > 0
    ? null
    : Object.assign(new Error(`${host} has no address`), { code: 'ENOTFOUND' });
}
