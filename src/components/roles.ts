// `roles`: what the app's roles may do, from roles.yaml. Roles of the file are created, or changed to be as it says; others are left alone.
//
//   public: { data: { Product: { read: true } } }

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { nearest, ZerohopError } from '../base/index.ts';
import { parseQueryString } from '../query/index.ts';
import type { AppNode } from '../resources/index.ts';
import type { TableDefinition } from '../schema/index.ts';
import { Accounts, anyTable, Passwords, readPermission, type TablePermission } from '../security/index.ts';
import { isOptions, type Options } from './app-config.ts';
import { filePatterns, findFiles } from './app-files.ts';

/** @param report told of every file that could not be loaded; the others still are */
export async function loadRoles(
  options: Options,
  folder: string,
  node: AppNode,
  report: (error: unknown, file: string) => void,
): Promise<void> {
  const accounts = new Accounts(node.databases, new Passwords());
  for (const file of findFiles(folder, filePatterns(options, 'roles', folder))) {
    try {
      const roles: unknown = parse(readFileSync(join(folder, file), 'utf8')) ?? {};
      if (!isOptions(roles))
        throw new ZerohopError('INVALID_CONFIG', 'A roles file is a list of roles with what each may do.');
      for (const [id, permission] of Object.entries(roles)) {
        await accounts.setRole(id, permission, 'either');
        for (const doubt of doubtsAbout(permission, node)) node.log.warn(`${file}: the role ${id}: ${doubt}`);
      }
    } catch (error) {
      report(error, file);
    }
  }
}

/** What is allowed, and yet probably a mistake: tables may come later, and attributes need not be declared. */
function doubtsAbout(permission: unknown, { databases }: AppNode): string[] {
  const { tables } = readPermission(permission, 'The role');
  return [...tables].flatMap(([database, named]) => {
    const there = databases.all.get(database);
    if (there === undefined) return [missing('database', '', database, databases.all.keys())];
    return [...named].flatMap(([name, granted]) => {
      if (name === anyTable) return [];
      const definition = there.get(name)?.definition;
      if (definition === undefined) return [missing('table', `${database}.`, name, there.keys())];
      const place = `${database}.${name}`;
      return [
        ...attributeDoubts(place, granted, definition),
        ...rowDoubts(place, granted, definition, (other) => there.get(other)?.definition),
      ];
    });
  });
}

/** Names that look like one that is declared. */
function attributeDoubts(place: string, { attributes }: TablePermission, definition: TableDefinition): string[] {
  const declared = definition.attributes.map(({ name }) => name);
  return [...(attributes?.keys() ?? [])]
    .filter((name) => !declared.includes(name) && nearest(name, declared) !== undefined)
    .map((name) => missing('attribute', `${place}.`, name, declared));
}

function rowDoubts(
  place: string,
  { rows }: TablePermission,
  definition: TableDefinition,
  lookup: (name: string) => TableDefinition | undefined,
): string[] {
  try {
    if (rows !== null) parseQueryString(rows, definition, lookup);
    return [];
  } catch (error) {
    return [`rows of ${place}: ${error instanceof Error ? error.message : error}`];
  }
}

function missing(kind: string, place: string, name: string, known: Iterable<string>): string {
  const near = nearest(name, known);
  return `there is no ${kind} "${place}${name}".${near === undefined ? '' : ` Did you mean "${place}${near}"?`}`;
}
