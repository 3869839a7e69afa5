import { readFileSync } from 'node:fs';
import { endianness, uptime } from 'node:os';

/** The units in which /proc counts. */
export interface KernelUnits {
  ticksPerSecond: number;
  pageBytes: number;
}

// <elf.h>
const AT_PAGESZ = 6;
const AT_CLKTCK = 17;

/** How far two readings of the time of boot may differ before the clock is taken to have been set. */
const CLOCK_STEP_MS = 1000;

let bootedAtMs: number | null = null;

/** What `getconf CLK_TCK` and `getconf PAGESIZE` say, from where they have it: the auxiliary vector. */
export const kernelUnits: KernelUnits = readKernelUnits();

/** Wall-clock time of a moment given in ticks since boot; never in the future. Milliseconds. */
export function wallClockMs(ticks: number): number {
  const now = Date.now();
  const measured = now - uptime() * 1000;
  // Each reading is 10 ms off or so; one is kept, so that the start of a process is told the same each time.
  if (bootedAtMs === null || Math.abs(measured - bootedAtMs) > CLOCK_STEP_MS) bootedAtMs = measured;
  return Math.min(now, Math.round(bootedAtMs + (ticks * 1000) / kernelUnits.ticksPerSecond));
}

/** Seconds since a moment given in ticks since boot. */
export function secondsSince(ticks: number): number {
  return Math.max(0, (Date.now() - wallClockMs(ticks)) / 1000);
}

function readKernelUnits(): KernelUnits {
  const vector = readAuxiliaryVector();
  return { ticksPerSecond: vector.get(AT_CLKTCK) ?? 100, pageBytes: vector.get(AT_PAGESZ) ?? 4096 };
}

function readAuxiliaryVector(): Map<number, number> {
  const vector = new Map<number, number>();
  // Its entries are pairs of machine words; 32-bit machines go by the defaults.
  if (endianness() !== 'LE' || ['arm', 'ia32', 'mipsel'].includes(process.arch)) return vector;
  try {
    const bytes = readFileSync('/proc/self/auxv');
    for (let at = 0; at + 16 <= bytes.length; at += 16) {
      vector.set(Number(bytes.readBigUInt64LE(at)), Number(bytes.readBigUInt64LE(at + 8)));
    }
  } catch {
    // Not readable in some sandboxes; the defaults hold on nearly every Linux.
  }
  return vector;
}
