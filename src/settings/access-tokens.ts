import { readFileSync } from 'node:fs';
import type { AccessToken, Role } from './settings';
import { SettingsError } from './settings-error';
import type { Variable, Variables } from './variables';

const ROLES: readonly Role[] = ['read', 'admin'];
const FILE_FORM = '[{"name": "ci", "role": "read" or "admin", "token": "…"}]';

/** Messages never show a token: they end up in logs. */
export function accessTokens(variables: Variables): AccessToken[] {
  const tokens = [...defaultToken(variables), ...namedTokens(variables)];
  refuseRepeated(tokens);
  return tokens;
}

function defaultToken(variables: Variables): AccessToken[] {
  const direct = variables.text('DAEMON_TOKEN');
  const file = variables.text('DAEMON_TOKEN_FILE');
  if (direct !== null && file !== null)
    throw new SettingsError('DAEMON_TOKEN and DAEMON_TOKEN_FILE are both set: set only one of them.');

  if (direct !== null) return [{ name: 'default', role: 'admin', token: checked(direct, 'DAEMON_TOKEN') }];
  if (file === null) return [];
  const firstLine = readText('DAEMON_TOKEN_FILE', file).split('\n', 1)[0]!.trimEnd();
  return [{ name: 'default', role: 'admin', token: checked(firstLine, 'DAEMON_TOKEN_FILE: the first line') }];
}

function namedTokens(variables: Variables): AccessToken[] {
  const file = variables.text('DAEMON_TOKENS_FILE');
  if (file === null) return [];
  const entries = parseJson(readText('DAEMON_TOKENS_FILE', file));
  if (!Array.isArray(entries) || entries.length === 0)
    throw new SettingsError(`DAEMON_TOKENS_FILE must hold a JSON array like ${FILE_FORM}.`);
  return entries.map((entry: unknown, index) => namedToken(entry, `DAEMON_TOKENS_FILE: entry ${index + 1}`));
}

function namedToken(entry: unknown, place: string): AccessToken {
  if (typeof entry !== 'object' || entry === null || Object.keys(entry).sort().join() !== 'name,role,token')
    throw new SettingsError(`${place} must have exactly a name, a role and a token, like ${FILE_FORM}.`);
  const { name, role, token } = entry as Record<keyof AccessToken, unknown>;
  if (typeof name !== 'string' || !/^[^\p{C}]{1,64}$/u.test(name) || name.trim() === '')
    throw new SettingsError(`${place}: the name must be a string of 1 to 64 printable characters.`);
  const knownRole = ROLES.find((r) => r === role);
  if (!knownRole) throw new SettingsError(`${place}: the role must be "read" or "admin".`);
  return { name, role: knownRole, token: checked(token, `${place}: the token`) };
}

function checked(token: unknown, place: string): string {
  if (typeof token === 'string' && /^[\x21-\x7e]{1,4096}$/.test(token)) return token;
  throw new SettingsError(`${place} must be 1 to 4096 visible ASCII characters without blanks.`);
}

function refuseRepeated(tokens: readonly AccessToken[]): void {
  const names = new Set<string>();
  const values = new Map<string, string>();
  for (const { name, token } of tokens) {
    if (names.has(name))
      throw new SettingsError(`DAEMON_TOKENS_FILE: the name ${JSON.stringify(name)} is taken twice.`);
    const other = values.get(token);
    if (other !== undefined)
      throw new SettingsError(
        `DAEMON_TOKENS_FILE: ${JSON.stringify(other)} and ${JSON.stringify(name)} have the same token; give each its own.`,
      );
    names.add(name);
    values.set(token, name);
  }
}

function readText(variable: Variable, file: string): string {
  try {
    return readFileSync(file, 'utf8').replace(/^\uFEFF/, '');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new SettingsError(`${variable} must be a file that can be read; ${file} cannot (${code}).`);
  }
}

/** undefined for what is not JSON; the parser's own words would quote a piece of the file. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
