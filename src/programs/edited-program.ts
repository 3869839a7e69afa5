import { PROGRAM_DEFAULTS, type StoredProgram } from '../domain/program';
import { mergeWebhooks, portRangeFrom } from '../validation/program-from-fields';
import type { EditProgramDto } from './dto/program-input.dto';

type Settable = Omit<
  EditProgramDto,
  'restart' | 'id' | 'hoody_kit' | 'status' | 'stats' | 'port_range' | 'webhooks'
>;

/** The program with the edit applied: what was not sent keeps its value, null brings the default back. */
export function editedProgram(current: StoredProgram, edit: EditProgramDto): StoredProgram {
  const { port_range, webhooks, restart: _, ...sent } = edit;
  const fields: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(sent satisfies Settable)) {
    if (value === undefined || !(field in current)) continue;
    fields[field] = value ?? PROGRAM_DEFAULTS[field as keyof typeof PROGRAM_DEFAULTS];
  }
  return {
    ...current,
    ...fields,
    ...(port_range !== undefined && { port_range: portRangeFrom({ port_range }) }),
    ...(webhooks !== undefined && {
      webhooks: webhooks === null ? null : mergeWebhooks(current.webhooks, webhooks),
    }),
  };
}
