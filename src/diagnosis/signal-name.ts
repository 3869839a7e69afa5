import { constants } from 'node:os';

const NAMES = new Map<number, string>();
for (const [name, number] of Object.entries(constants.signals)) {
  // Some numbers have two names; the common one comes first (SIGABRT and SIGIOT).
  if (!NAMES.has(number)) NAMES.set(number, name);
}

/** 11 -> "SIGSEGV". */
export function signalName<T>(number: number, otherwise: T): string | T {
  return NAMES.get(number) ?? otherwise;
}
