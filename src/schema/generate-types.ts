// Schema → the text of a TypeScript declaration file that makes `import { tables } from 'zerohop'` fully typed:
//
//   export interface Product { ... }          a record as read
//   export interface ProductInsert { ... }    what creating one takes
//   declare module 'zerohop' {
//     interface Tables { Product: TableClass<Product, ProductInsert> }
//     interface Databases { other: { ... } }  tables of other databases than `data`
//   }

import type { Attribute, AttributeType, ScalarType, Schema, TableDefinition } from './types.ts';

/** `read`: as app code gets it. `insert`: as app code may give it. */
type Side = 'read' | 'insert';

const scalars: Readonly<Record<Side, Readonly<Record<ScalarType, string>>>> = {
  read: {
    ID: 'string',
    String: 'string',
    Int: 'number',
    Long: 'number',
    Float: 'number',
    BigInt: 'bigint',
    Boolean: 'boolean',
    Date: 'Date',
    Bytes: 'Uint8Array',
    Blob: 'Blob',
    Any: 'any',
  },
  insert: {
    ID: 'string',
    String: 'string',
    Int: 'number',
    Long: 'number',
    Float: 'number',
    BigInt: 'bigint | number | string',
    Boolean: 'boolean',
    Date: 'Date | number | string',
    Bytes: 'Uint8Array | ArrayBuffer | string',
    Blob: 'Blob | Uint8Array | ReadableStream<Uint8Array> | string',
    Any: 'any',
  },
};

export function generateTypes(schema: Schema): string {
  const names = nameInterfaces(schema);
  const interfaces = [...names.tables].map(([table, name]) => tableInterfaces(table, name, names));
  const nested = [...names.objects.values()].map(({ type, name }) => objectInterfaces(type, name, names));
  return [
    '// Made by `zerohop types` from the schema. Do not edit: changes are overwritten.\n',
    "import type { TableClass } from 'zerohop';\n",
    ...interfaces,
    ...nested,
    moduleText(names),
  ].join('\n');
}

type ObjectType = Extract<AttributeType, { kind: 'object' }>;

interface Names {
  readonly tables: ReadonlyMap<TableDefinition, string>;
  /** Nested object types by their name in the schema. */
  readonly objects: ReadonlyMap<string, { readonly type: ObjectType; readonly name: string }>;
}

/** An interface for every table and nested object: its own name, made an identifier, numbered where two would be the same. */
function nameInterfaces(schema: Schema): Names {
  const taken = new Set(['TableClass']);
  const tables = new Map(schema.tables.map((table) => [table, freeName(table.name, taken)] as const));
  const objects = new Map<string, { type: ObjectType; name: string }>();
  const visit = (type: AttributeType): void => {
    if (type.kind === 'list') visit(type.of);
    if (type.kind !== 'object' || objects.has(type.name)) return;
    objects.set(type.name, { type, name: freeName(type.name, taken) });
    for (const attribute of type.attributes) visit(attribute.type);
  };
  for (const { attributes } of schema.tables) for (const { type } of attributes) visit(type);
  return { tables, objects };
}

function freeName(wanted: string, taken: Set<string>): string {
  const identifier = wanted.replace(/[^A-Za-z0-9_$]+/g, '_').replace(/^(?=\d)/, '_');
  // Names of global types that the file itself uses.
  const base = /^(Date|Uint8Array|ArrayBuffer|Blob|ReadableStream)$/.test(identifier)
    ? `${identifier}Record`
    : identifier;
  let name = base;
  for (let n = 2; taken.has(name) || taken.has(`${name}Insert`); n++) name = `${base}${n}`;
  taken.add(name);
  taken.add(`${name}Insert`);
  return name;
}

function tableInterfaces(table: TableDefinition, name: string, names: Names): string {
  const context = { names, database: table.database };
  const read = table.attributes.map((attribute) => {
    const isKey = attribute.name === table.primaryKey;
    const always = isKey || attribute.required || isKept(attribute);
    return propertyText(attribute, 'read', always, isKey, context);
  });
  const insert = table.attributes
    .filter((attribute) => attribute.type.kind !== 'relation' && !attribute.computed)
    .map((attribute) => {
      const required = attribute.required && attribute.name !== table.primaryKey && !isKept(attribute);
      return propertyText(attribute, 'insert', required, false, context);
    });
  return [
    `${comment(table.description, '')}export interface ${name} {\n${read.join('')}}\n`,
    `/** What creating a ${name} takes: ids, times and defaults that the runtime fills in may be left out. */`,
    `export interface ${name}Insert {\n${insert.join('')}}\n`,
  ].join('\n');
}

/** The runtime fills it in on every write. */
function isKept(attribute: Attribute): boolean {
  return attribute.role === 'createdTime' || attribute.role === 'updatedTime';
}

interface Context {
  readonly names: Names;
  /** Where relations lead. */
  readonly database?: string;
}

function objectInterfaces(type: ObjectType, name: string, names: Names): string {
  const properties = (side: Side) =>
    type.attributes.map((attribute) => propertyText(attribute, side, attribute.required, false, { names })).join('');
  return `export interface ${name} {\n${properties('read')}}\n\nexport interface ${name}Insert {\n${properties('insert')}}\n`;
}

function propertyText(attribute: Attribute, side: Side, isPresent: boolean, isKey: boolean, context: Context): string {
  const type = typeText(attribute.type, side, context);
  const isKeyOfAny = isKey && attribute.type.kind === 'scalar' && attribute.type.scalar === 'Any';
  const isVirtual = attribute.type.kind === 'relation' || attribute.computed !== undefined;
  const value = isKeyOfAny ? 'string | number' : isPresent || isVirtual ? type : `${type} | null`;
  const name = /^[A-Za-z_$][\w$]*$/.test(attribute.name) ? attribute.name : JSON.stringify(attribute.name);
  const description = [attribute.description, isVirtual ? 'Only there when selected.' : undefined]
    .filter(Boolean)
    .join('\n');
  return `${comment(description, '  ')}  ${side === 'read' ? 'readonly ' : ''}${name}${isPresent ? '' : '?'}: ${value};\n`;
}

function typeText(type: AttributeType, side: Side, context: Context): string {
  switch (type.kind) {
    case 'scalar':
      return scalars[side][type.scalar];
    case 'list': {
      const item = typeText(type.of, side, context);
      return `${side === 'read' ? 'readonly ' : ''}(${type.itemRequired ? item : `${item} | null`})[]`;
    }
    case 'object': {
      const name = context.names.objects.get(type.name)?.name ?? 'unknown';
      return side === 'read' ? name : `${name}Insert`;
    }
    case 'relation': {
      const target = [...context.names.tables].find(
        ([table]) => table.name === type.table && table.database === context.database,
      );
      const name = target?.[1] ?? 'unknown';
      return type.many ? `readonly ${name}[]` : name;
    }
  }
}

function moduleText({ tables }: Names): string {
  const byDatabase = Map.groupBy(tables, ([table]) => table.database);
  const entries = (database: string, indent: string) =>
    (byDatabase.get(database) ?? []).map(
      ([table, name]) =>
        `${comment(table.description, indent)}${indent}${JSON.stringify(table.name)}: TableClass<${name}, ${name}Insert>;\n`,
    );
  const others = [...byDatabase.keys()].filter((database) => database !== 'data');
  const databases = others.map(
    (database) => `    ${JSON.stringify(database)}: {\n${entries(database, '      ').join('')}    };\n`,
  );
  return [
    "declare module 'zerohop' {",
    `  interface Tables {\n${entries('data', '    ').join('')}  }`,
    ...(others.length > 0 ? [`  interface Databases {\n${databases.join('')}  }`] : []),
    '}\n',
  ].join('\n');
}

function comment(description: string | undefined, indent: string): string {
  if (!description) return '';
  const lines = description.replaceAll('*/', '*\\/').split('\n');
  if (lines.length === 1) return `${indent}/** ${lines[0]} */\n`;
  return `${indent}/**\n${lines.map((line) => `${indent} * ${line}`.trimEnd()).join('\n')}\n${indent} */\n`;
}
