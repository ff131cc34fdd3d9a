// `/Product/42.csv`: a file name extension that says how to encode the answer.

import type { TableDefinition } from '../../schema/index.ts';

export interface Extended {
  /** The path without the extension. */
  readonly path: string;
  readonly extension: string;
}

/**
 * Splits a known extension off the path below a table's endpoint: '/42.csv', '/.csv'. It is none when the schema declares an attribute of that
 * name (then it means that attribute), or when `exists` says that there is a record with the whole id.
 */
export function splitExtension(
  path: string,
  known: Readonly<Record<string, unknown>>,
  definition: TableDefinition,
  exists: (id: string) => boolean,
): Extended | undefined {
  const dot = path.lastIndexOf('.');
  if (dot < 1 || path.indexOf('/', dot) !== -1) return undefined;
  const extension = path.slice(dot + 1);
  if (!Object.hasOwn(known, extension)) return undefined;
  if (definition.attributes.some(({ name }) => name === extension)) return undefined;
  return exists(path.slice(1)) ? undefined : { path: path.slice(0, dot), extension };
}
