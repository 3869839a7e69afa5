import { createServer } from 'node:net';
import { holderOfPort, holdersOfPort, type PortHolder } from '../process-table/port-holders';
import { isSameInstance } from '../process-table/process-mark';
import { holderFacts, type RunFacts } from './run-facts';
import { diagnosisOf, type Diagnosis, type HolderFacts } from './diagnosis';

/**
 * A stranger who listens on the instance's port on all addresses, so that a server could not. One who
 * listens on a single address might be no obstacle, and is not reported.
 */
export async function portConflict(run: RunFacts): Promise<Diagnosis | null> {
  if (run.port === 0) return null;
  const holders = await holdersOfPort(run.port);
  if (holders.some(({ mark }) => isSameInstance(mark, run.mark))) return null;
  const onAll = holders.find(({ address }) => address === '0.0.0.0') ?? (await holderOfBothFamilies(holders));
  return onAll ? portInUse(run.port, holderFacts(onAll, run)) : null;
}

/** Whoever listens on the port now, and is not of the same instance. */
export async function strangerOn(port: number, run: RunFacts): Promise<HolderFacts | null> {
  const holder = await holderOfPort(port);
  return holder === null || isSameInstance(holder.mark, run.mark) ? null : holderFacts(holder, run);
}

export function portInUse(port: number | null, holder: HolderFacts | null): Diagnosis {
  return diagnosisOf({ cause: 'port_in_use', port, holder });
}

/** A socket on `::` may take IPv4 too or not; only an attempt tells. */
async function holderOfBothFamilies(holders: readonly PortHolder[]): Promise<PortHolder | null> {
  const holder = holders.find(({ address }) => address === '::');
  return holder && (await isTaken(holder.port)) ? holder : null;
}

function isTaken(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'EADDRINUSE'));
    server.listen({ port, host: '0.0.0.0', exclusive: true }, () => server.close(() => resolve(false)));
  });
}
