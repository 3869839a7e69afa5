// Fails when openapi.json is not what the code says.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folder = mkdtempSync(join(tmpdir(), 'hoody-openapi-'));
const exported = join(folder, 'openapi.json');

if (!runs('node', 'dist/openapi/export-openapi.js', exported)) {
  fail('Cannot export the OpenAPI document from the code.');
} else if (!runs('diff', '-u', 'openapi.json', exported)) {
  fail('openapi.json is out of date: run "npm run openapi" and commit it.');
}
rmSync(folder, { recursive: true });

function runs(file, ...args) {
  return spawnSync(file, args, { stdio: 'inherit' }).status === 0;
}

function fail(complaint) {
  console.error(complaint);
  process.exitCode = 1;
}
