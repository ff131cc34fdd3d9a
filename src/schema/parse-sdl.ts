// Schema language (GraphQL type definitions with our directives) → tables. Every mistake is one INVALID_SCHEMA error that
// starts with `file:line:column: `; nothing is guessed and nothing is ignored.
//
//   text → documents → named types → tables → relationships, checked across all files

import { GraphQLError } from 'graphql/error/index.js';
import { type DocumentNode, Kind, type ObjectTypeDefinitionNode, parse, Source } from 'graphql/language/index.js';
import { ZerohopError } from '../base/index.ts';
import { readDirectives, schemaError, stringArgument, typeDirectives } from './sdl-directives.ts';
import { checkRelationships, type Relationship } from './sdl-relationships.ts';
import { readTable } from './sdl-table.ts';
import { type NamedType, scalarOf, type Types } from './sdl-types.ts';
import type { Schema, TableDefinition } from './types.ts';

/** Words and signs in one file; a schema of thousands of tables is far below. */
const maxTokens = 500_000;

export interface SdlFile {
  /** As it should appear in messages, usually the path. */
  readonly name: string;
  readonly text: string;
}

/** Reads one file. */
export function parseSdl(text: string, fileName: string): Schema {
  return parseSdlFiles([{ name: fileName, text }]);
}

/** Reads several files as one schema: types may refer to types of another file. */
export function parseSdlFiles(files: readonly SdlFile[]): Schema {
  const types = collectTypes(files.map(parseDocument));
  const relationships: Relationship[] = [];
  const tables = new Map<NamedType, TableDefinition>();
  for (const type of types.values()) {
    if (type.table) tables.set(type, readTable(type, types, relationships));
  }
  refuseDoubles(tables);
  checkRelationships(relationships, tables);
  return { tables: [...tables.values()] };
}

function parseDocument(file: SdlFile): DocumentNode {
  const text = file.text.replace(/^\uFEFF/, '');
  // A file of comments alone is a schema without tables.
  if (/^(\s|,|#.*)*$/.test(text)) return { kind: Kind.DOCUMENT, definitions: [] };
  try {
    return parse(new Source(text, file.name), { maxTokens });
  } catch (error) {
    const at = error instanceof GraphQLError ? error.locations?.[0] : undefined;
    const { line, column } = at ?? { line: 1, column: 1 };
    const reason = error instanceof GraphQLError ? error.message : 'The text is nested too deeply.';
    throw new ZerohopError('INVALID_SCHEMA', `${file.name}:${line}:${column}: ${reason}`, {
      file: file.name,
      line,
      column,
    });
  }
}

function collectTypes(documents: readonly DocumentNode[]): Types {
  const types = new Map<string, NamedType>();
  for (const definition of documents.flatMap((document) => document.definitions)) {
    switch (definition.kind) {
      case Kind.OBJECT_TYPE_DEFINITION: {
        const name = definition.name.value;
        if (scalarOf(name)) throw schemaError(definition.name, `"${name}" is a built-in type; choose another name.`);
        if (types.has(name)) throw schemaError(definition.name, `The type "${name}" is defined twice.`);
        types.set(name, namedType(definition));
        break;
      }
      // Editors want these declarations to know our directives and scalars; they say nothing new here.
      case Kind.DIRECTIVE_DEFINITION:
        break;
      case Kind.SCALAR_TYPE_DEFINITION:
        if (!scalarOf(definition.name.value)) {
          throw schemaError(
            definition,
            `There is no scalar type "${definition.name.value}". Use Any or an object type.`,
          );
        }
        break;
      default:
        throw schemaError(definition, 'Only object types are possible here: type Name @table { ... }.');
    }
  }
  return types;
}

function namedType(node: ObjectTypeDefinitionNode): NamedType {
  const [implemented] = node.interfaces ?? [];
  if (implemented) throw schemaError(implemented, 'Types can not implement interfaces.');
  const directives = readDirectives(node.directives, typeDirectives);
  const exported = directives.get('export');
  const table = directives.get('table');
  if (exported && !table) throw schemaError(exported.node, '@export needs @table on the same type.');
  return {
    node,
    directives,
    ...(table && {
      table: {
        name: stringArgument(table, 'table') ?? node.name.value,
        database: stringArgument(table, 'database') ?? 'data',
      },
    }),
  };
}

function refuseDoubles(tables: ReadonlyMap<NamedType, TableDefinition>): void {
  const names = new Set<string>();
  const exportNames = new Set<string>();
  for (const [{ node }, { database, name, exportName }] of tables) {
    const fullName = `${database}/${name}`;
    if (names.has(fullName))
      throw schemaError(node.name, `The table "${name}" of database "${database}" is defined twice.`);
    names.add(fullName);
    if (exportName === undefined) continue;
    if (exportNames.has(exportName)) throw schemaError(node.name, `Two tables are exported as "${exportName}".`);
    exportNames.add(exportName);
  }
}
