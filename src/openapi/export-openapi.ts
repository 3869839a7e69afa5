import { writeFileSync } from 'node:fs';
import { createApp } from '../create-app';
import { parseSettings } from '../settings/parse-settings';
import { createDocument } from './document';

/** Writes the document to the file that is named on the command line, without starting anything. */
async function exportOpenApi(file: string): Promise<void> {
  const app = await createApp(parseSettings({ DAEMON_LOG_LEVEL: 'silent' }), { preview: true });
  writeFileSync(file, `${JSON.stringify(createDocument(app), null, 2)}\n`);
  await app.close();
}

void exportOpenApi(process.argv[2] ?? 'openapi.json');
