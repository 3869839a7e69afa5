import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { fieldRule, finding, keyPath, type Finding } from './field-rule';
import { unescapeKeys } from './safe-keys';
import { characterFinding } from './text-rules';

/** A longer string can't be handed to a program by the kernel, together with its name, in one piece (128 KiB). */
const MAX_VALUE_BYTES = 100_000;
const MAX_NAME = 1024;
/** The shell sets these itself, and would not take over what is given here. */
const SHELL_NAMES = ['IFS', 'PWD', 'OLDPWD', 'PPID', 'OPTIND'];

const MAX_HEADERS = 20;
const MAX_HEADER_VALUE = 4096;
/** Those that the HTTP client itself sets or refuses. */
const CLIENT_HEADERS = [
  'host',
  'content-length',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'upgrade',
  'expect',
  'te',
  'trailer',
];

/** Environment variables of a program. */
export function IsEnvironment(): PropertyDecorator {
  return map('isEnvironment', environmentFinding);
}

/** Further headers of a webhook's request. */
export function IsHeaderMap(): PropertyDecorator {
  return map('isHeaderMap', headersFinding);
}

function map(name: string, check: (map: Record<string, unknown>) => Finding | null): PropertyDecorator {
  return applyDecorators(
    ApiProperty({ type: 'object', additionalProperties: { type: 'string' } }),
    Transform(({ value }: { value: unknown }) => unescapeKeys(value), { toClassOnly: true }),
    fieldRule(name, (value) =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? check(value as Record<string, unknown>)
        : finding('must be an object whose values are strings'),
    ),
  );
}

function environmentFinding(environment: Record<string, unknown>): Finding | null {
  for (const [name, value] of Object.entries(environment)) {
    const problem = variableNameProblem(name) ?? variableValueProblem(value);
    if (problem) return finding(problem, keyPath(name));
  }
  return null;
}

function variableNameProblem(name: string): string | null {
  if (name === '__proto__' || SHELL_NAMES.includes(name)) return 'is a name that cannot be set';
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
    return 'is not a name of an environment variable: only letters A-Z and a-z, digits and _ are allowed, and no digit first';
  return name.length > MAX_NAME ? `has a name of more than ${MAX_NAME} characters` : null;
}

function variableValueProblem(value: unknown): string | null {
  if (typeof value !== 'string') return 'must be a string';
  if (Buffer.byteLength(value) > MAX_VALUE_BYTES) return `must not be longer than ${MAX_VALUE_BYTES} bytes`;
  return characterFinding(value)?.message ?? null;
}

function headersFinding(headers: Record<string, unknown>): Finding | null {
  const entries = Object.entries(headers);
  if (entries.length > MAX_HEADERS) return finding(`must not have more than ${MAX_HEADERS} headers`);
  for (const [name, value] of entries) {
    const problem = headerNameProblem(name) ?? headerValueProblem(value);
    if (problem) return finding(problem, keyPath(name));
  }
  return null;
}

function headerNameProblem(name: string): string | null {
  // RFC 9110, section 5.6.2: token.
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/.test(name)) return 'is not a valid name of an HTTP header';
  const lower = name.toLowerCase();
  if (lower === '__proto__' || CLIENT_HEADERS.includes(lower) || lower.startsWith('webhook-'))
    return 'is a header that cannot be set';
  return null;
}

function headerValueProblem(value: unknown): string | null {
  if (typeof value !== 'string' || value.length > MAX_HEADER_VALUE)
    return `must be a string of 0 to ${MAX_HEADER_VALUE} characters`;
  if (/[\r\n\0]/.test(value)) return 'must not contain line breaks or NUL characters';
  if (/[^\t\x20-\x7e\x80-\xff]/.test(value))
    return 'must not contain characters that HTTP headers cannot carry';
  return null;
}
