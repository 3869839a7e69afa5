import { holderOfPort } from '../process-table/port-holders';
import { isSameInstance } from '../process-table/process-mark';
import { holderFacts, type RunFacts } from './run-facts';
import { diagnosisOf, type Diagnosis, type HolderFacts } from './diagnosis';

/** Whoever listens on the port now, and is not of the same instance. */
export async function strangerOn(port: number, run: RunFacts): Promise<HolderFacts | null> {
  const holder = await holderOfPort(port);
  return holder === null || isSameInstance(holder.mark, run.mark) ? null : holderFacts(holder, run);
}

export function portInUse(port: number | null, holder: HolderFacts | null): Diagnosis {
  return diagnosisOf({ cause: 'port_in_use', port, holder });
}
