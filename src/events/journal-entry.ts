import type { Change } from '../domain/changes';

/** A change with its place in the order of all changes. */
export interface JournalEntry {
  /** Grows with every change, over restarts of the service too. Its decimal text is the id of the event stream. */
  id: number;
  change: Change;
  /** The event's data as JSON, made once for the disk and for all clients. */
  data: string;
}

export function journalEntry(id: number, change: Change): JournalEntry {
  const { type: _type, ...data } = change;
  return { id, change, data: JSON.stringify(data) };
}

/** One line of the journal file. */
export function lineOf({ id, change, data }: JournalEntry): string {
  return `{"id":${id},"type":"${change.type}",${data.slice(1)}\n`;
}

/** @returns null for a line that is torn or not ours */
export function parseLine(line: string): JournalEntry | null {
  try {
    const { id, ...change } = JSON.parse(line) as { id: number } & Change;
    return Number.isSafeInteger(id) && id > 0 && isChange(change) ? journalEntry(id, change) : null;
  } catch {
    return null;
  }
}

function isChange(value: Change): boolean {
  return (value.type === 'state' || value.type === 'config') && typeof value.time === 'string';
}
