import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Operation {
  method: 'GET' | 'POST';
  /** With its placeholders. */
  template: string;
  name: string;
  parameters: { name: string; in: string; required?: boolean; schema?: any }[];
  /** Of the JSON body. */
  body?: any;
}

export const openApi: any = JSON.parse(readFileSync(join(__dirname, '../../openapi.json'), 'utf8'));

/** Every operation of openapi.json. */
export const operations: Operation[] = Object.entries<any>(openApi.paths).flatMap(([template, item]) =>
  ['get', 'post'].flatMap((verb) =>
    item[verb]
      ? [
          {
            method: verb.toUpperCase() as Operation['method'],
            template,
            name: item[verb].operationId,
            parameters: item[verb].parameters ?? [],
            body: item[verb].requestBody?.content['application/json'].schema,
          },
        ]
      : [],
  ),
);
