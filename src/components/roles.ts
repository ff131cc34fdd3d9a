// `roles`: what the app's roles may do, from roles.yaml. Roles of the file are created, or changed to be as it says; others are left alone.
//
//   public: { data: { Product: { read: true } } }

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { nearest, ZerohopError } from '../base/index.ts';
import { parseQueryString } from '../query/index.ts';
import type { AppNode } from '../resources/index.ts';
import { Accounts, anyTable, Passwords, readPermission } from '../security/index.ts';
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
    if (there === undefined) return [missing('database', database, databases.all.keys())];
    const lookup = (name: string) => there.get(name)?.definition;
    return [...named].flatMap(([name, { rows }]) => {
      if (name === anyTable) return [];
      const definition = lookup(name);
      if (definition === undefined)
        return [
          missing(
            'table',
            `${database}.${name}`,
            [...there.keys()].map((known) => `${database}.${known}`),
          ),
        ];
      try {
        if (rows !== null) parseQueryString(rows, definition, lookup);
        return [];
      } catch (error) {
        return [`rows of ${database}.${name}: ${error instanceof Error ? error.message : error}`];
      }
    });
  });
}

function missing(kind: string, name: string, known: Iterable<string>): string {
  const near = nearest(name, known);
  return `there is no ${kind} "${name}".${near === undefined ? '' : ` Did you mean "${near}"?`}`;
}
