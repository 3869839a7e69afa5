import { type DaemonError } from '../domain/errors';
import { parseStrictJson } from './strict-json';

function refusalOf(text: string): DaemonError {
  try {
    parseStrictJson(text);
  } catch (error) {
    return error as DaemonError;
  }
  throw new Error(`accepted: ${text}`);
}

describe('parseStrictJson', () => {
  it.each([
    ['{"name":"web","environment":{"A":"1","a":"2"}}'],
    ['[{"a":1},{"a":2}]'],
    ['{"a":{"a":{"a":1}}}'],
    ['{"constructor":"a name like any other"}'],
    ['{"text":"😀 \\ud83d\\ude00 \\u2028"}'],
    ['null'],
    ['"web"'],
    ['1e3'],
    [`${'['.repeat(32)}${']'.repeat(32)}`],
  ])('reads %s as JSON.parse does', (text) => {
    expect(parseStrictJson(text)).toEqual(JSON.parse(text));
  });

  it.each([
    ['{"name":"a","name":"b"}', 'name'],
    ['{"name":"a","n\\u0061me":"b"}', 'name'],
    ['{"name":"a","name":"a"}', 'name'],
    ['{"environment":{"A":"1","B":"2","A":"3"}}', 'environment.A'],
    ['{"programs":[{"x":1},{"y":1,"y":2}]}', 'programs[1].y'],
    ['{"a":{"b":1},"a":2}', 'a'],
  ])('refuses %s, because %s is given twice', (text, field) => {
    expect(refusalOf(text)).toMatchObject({
      code: 'VALIDATION_ERROR',
      extra: { details: [{ field, message: `${field} is given twice; give it once.` }] },
    });
  });

  it.each([
    ['{"__proto__":{"enabled":true}}', '__proto__'],
    ['{"environment":{"__proto__":"x"}}', 'environment.__proto__'],
    ['{"environment":{"\\u005f_proto__":"x"}}', 'environment.__proto__'],
    ['{"command":"a\\u0000b"}', 'command'],
    ['{"urls":["ok","\\u0000"]}', 'urls[1]'],
    ['{"command":"\\ud800"}', 'command'],
    ['{"environment":{"\\udc00":"x"}}', 'environment.\uFFFD'],
    ['"\\ud800"', 'body'],
  ])('refuses %s and names the field %s', (text, field) => {
    expect(refusalOf(text)).toMatchObject({ code: 'VALIDATION_ERROR', extra: { details: [{ field }] } });
  });

  it.each([
    ['{"name":'],
    ['{name:1}'],
    ["{'name':1}"],
    ['{"a":1,}'],
    ['{"a":1} // why not'],
    ['NaN'],
    ['{"a":01}'],
    ['"line\nbreak"'],
    ['{} {}'],
  ])('refuses %s, which is not JSON', (text) => {
    expect(refusalOf(text)).toMatchObject({
      code: 'VALIDATION_ERROR',
      message: expect.stringContaining('not valid JSON'),
    });
  });

  it.each([
    ['lists', `${'['.repeat(33)}${']'.repeat(33)}`],
    ['objects', `${'{"a":'.repeat(33)}1${'}'.repeat(33)}`],
    ['half a megabyte of lists', `${'['.repeat(500_000)}${']'.repeat(500_000)}`],
  ])('refuses %s that are nested deeper than 32 levels', (_what, text) => {
    expect(refusalOf(text)).toMatchObject({
      code: 'VALIDATION_ERROR',
      message: expect.stringContaining('32 levels'),
    });
  });

  it('counts the depth of siblings apart', () => {
    expect(parseStrictJson(`[${'[],'.repeat(100)}{"a":[]}]`)).toHaveLength(101);
  });
});
