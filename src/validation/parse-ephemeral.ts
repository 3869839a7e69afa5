import { assertPortRange } from '../domain/port-range';
import { PROGRAM_DEFAULTS, type EphemeralProgram } from '../domain/program';
import { ContentError, entryError } from './content-error';
import { isJsonObject, listOf } from './json-shapes';
import { portRangeFrom } from './program-from-fields';
import { StoredEphemeralDto } from './stored-ephemeral.dto';
import { validateFields } from './validate-fields';

/** The content of ephemeral.json. @throws ContentError */
export function parseEphemerals(json: unknown): EphemeralProgram[] {
  const programs = listOf(json, 'ephemeral programs').map((entry, index) =>
    parseEphemeral(entry, `[${index}]`),
  );
  const ids = new Set<string>();
  for (const [index, { temporary_id }] of programs.entries()) {
    if (ids.has(temporary_id))
      throw entryError(`[${index}]`, { field: 'temporary_id', message: 'temporary_id occurs twice' });
    ids.add(temporary_id);
  }
  return programs;
}

function parseEphemeral(entry: unknown, at: string): EphemeralProgram {
  if (!isJsonObject(entry)) throw new ContentError(`${at} must be an object`, at);
  const { fields, problems } = validateFields(StoredEphemeralDto, entry);
  if (problems) throw entryError(at, problems[0]!);
  const port_range = portRangeFrom(fields);
  try {
    assertPortRange(port_range, null);
  } catch (error) {
    throw entryError(at, { field: 'port_range', message: (error as Error).message });
  }
  return {
    temporary_id: fields.temporary_id,
    name: fields.name ?? null,
    command: fields.command,
    user: fields.user,
    directory: fields.directory ?? null,
    environment: { ...fields.environment },
    port_range,
    stop_signal: fields.stop_signal ?? PROGRAM_DEFAULTS.stop_signal,
    stop_seconds: fields.stop_seconds ?? PROGRAM_DEFAULTS.stop_seconds,
    log_max_bytes: fields.log_max_bytes ?? PROGRAM_DEFAULTS.log_max_bytes,
    created_at: fields.created_at,
    expires_at: fields.expires_at ?? null,
    epoch: fields.epoch,
    ended_at: fields.ended_at ?? null,
  };
}
