import { open } from 'node:fs/promises';
import { basename } from 'node:path';

export interface Interpreter {
  path: string;
  /** What `/usr/bin/env` as the interpreter looks up on the PATH; else null. */
  lookedUp: string | null;
}

const HEAD_BYTES = 4096;
/** The kernel reads no more of a #! line. */
const LINE_BYTES = 256;
const ELF_MAGIC = '\x7fELF';
const PT_INTERP = 3;

/** What the kernel needs besides the file to run it: the program of its #! line, or its dynamic loader. */
export async function interpreterOf(file: string): Promise<Interpreter | null> {
  const head = await readHead(file);
  if (head === null) return null;
  if (head.toString('latin1', 0, 2) === '#!')
    return interpreterOfScript(head.toString('utf8', 2, LINE_BYTES));
  if (head.toString('latin1', 0, 4) === ELF_MAGIC) return loaderOf(head);
  return null;
}

async function readHead(file: string): Promise<Buffer | null> {
  try {
    await using handle = await open(file, 'r');
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } catch {
    return null;
  }
}

/** The kernel cuts the line at blanks and tabs only, so a Windows line break stays part of the name. */
function interpreterOfScript(text: string): Interpreter | null {
  const match = /^[ \t]*([^ \t\n\0]+)[ \t]*([^\n\0]*)/.exec(text);
  if (!match?.[1]) return null;
  const argument = match[2]!.replace(/[ \t]+$/, '');
  const isLookedUp = basename(match[1]) === 'env' && argument !== '' && !/^-|=/.test(argument);
  return { path: match[1], lookedUp: isLookedUp ? argument : null };
}

/** elf(5), of 64-bit little-endian programs; others are not looked into. */
function loaderOf(head: Buffer): Interpreter | null {
  const is64BitLittleEndian = head[4] === 2 && head[5] === 1;
  if (!is64BitLittleEndian || head.length < 64) return null;
  const tableAt = Number(head.readBigUInt64LE(32));
  const [entryBytes, entries] = [head.readUInt16LE(54), head.readUInt16LE(56)];
  for (let i = 0; i < entries; i++) {
    const at = tableAt + i * entryBytes;
    if (at + 56 > head.length) return null;
    if (head.readUInt32LE(at) !== PT_INTERP) continue;
    const [start, length] = [Number(head.readBigUInt64LE(at + 8)), Number(head.readBigUInt64LE(at + 32))];
    if (length < 2 || start + length > head.length) return null;
    return { path: head.toString('utf8', start, start + length - 1), lookedUp: null };
  }
  return null;
}
