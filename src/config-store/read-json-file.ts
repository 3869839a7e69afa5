import { readFile } from 'node:fs/promises';
import { ContentError } from '../validation/content-error';
import { diskWords } from './disk-error';

/** @returns undefined when there is no such file. @throws ContentError when it can't be read or is not JSON */
export async function readJsonFile(path: string): Promise<unknown> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new ContentError(`it cannot be read: ${diskWords(error)}`);
  }
  return parseJson(decode(bytes));
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new ContentError('it is not UTF-8 text');
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ContentError(`it is not valid JSON${place(text, (error as Error).message)}`);
  }
}

/** The parser's own words quote the text, which may hold secrets; its position is enough. */
function place(text: string, parserMessage: string): string {
  const position = /position (\d+)/.exec(parserMessage)?.[1];
  if (position === undefined) return '';
  const lines = text.slice(0, Number(position)).split('\n');
  return ` (line ${lines.length}, column ${lines.at(-1)!.length + 1})`;
}
