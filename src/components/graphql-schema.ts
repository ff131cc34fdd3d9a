// `graphqlSchema`: the app's tables. The primary thread creates or extends them; every thread publishes those marked @export.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AppNode, tableResource } from '../resources/index.ts';
import { parseSdlFiles, type TableDefinition } from '../schema/index.ts';
import { type Options, readAppConfig } from './app-config.ts';
import { filePatterns, findFiles } from './app-files.ts';

/** The schema files of the app in a folder, relative to it. Throws INVALID_CONFIG. */
export function schemaFilesOf(folder: string): string[] {
  const { graphqlSchema } = readAppConfig(folder);
  return graphqlSchema === undefined ? [] : schemaFiles(graphqlSchema, folder);
}

function schemaFiles(options: Options, folder: string): string[] {
  return findFiles(folder, filePatterns(options, 'graphqlSchema', folder));
}

export async function loadSchema(options: Options, folder: string, node: AppNode, isPrimary: boolean): Promise<void> {
  const files = schemaFiles(options, folder);
  if (files.length === 0) return;
  const { tables } = parseSdlFiles(files.map((name) => ({ name, text: readFileSync(join(folder, name), 'utf8') })));
  if (isPrimary) await node.databases.applySchema(tables);
  for (const table of tables) publish(table, files.length === 1 ? (files[0] ?? '') : 'the schema', node);
}

function publish(table: TableDefinition, source: string, node: AppNode): void {
  if (table.exportName === undefined) return;
  const resource = tableResource(table.database, table.name, node);
  resource.hidden = table.hidden;
  resource.description = table.description;
  node.registry.set(table.exportName, resource, {}, source, true);
}
