import { listPids } from './proc-files';
import { readProcess, type ProcessEntry } from './process-entry';
import { inSlices } from './slices';

export { readProcess, hasEnded, type ProcessEntry } from './process-entry';

/** All processes in one pass over /proc. One that ends during the pass may be missing. */
export async function scanProcesses(): Promise<ProcessEntry[]> {
  const entries: ProcessEntry[] = [];
  await inSlices(listPids(), (pid) => {
    const entry = readProcess(pid);
    if (entry) entries.push(entry);
  });
  return entries;
}
