// What a role may do, as it is written (operations, roles.yaml, the table of roles) → checked and ready to be asked. Pure.
//
//   { super_user, structure_user, operations, <database>: { tables: { <table>: { read, insert, update, delete,
//     attribute_permissions: [{ attribute_name, read, insert, update }], rows } } } }
//
// `*` in place of a table's name stands for all that are not named. `rows` limits every action to records that meet a query:
// 'owner=$user'.

import { type JsonObject, nearest, ZerohopError } from '../base/index.ts';

export interface AttributePermission {
  readonly read: boolean;
  readonly insert: boolean;
  readonly update: boolean;
}

export interface TablePermission extends AttributePermission {
  readonly delete: boolean;
  /** Null: what is said of the table holds for all its attributes. */
  readonly attributes: ReadonlyMap<string, AttributePermission> | null;
  /** Conditions in the query language that the records must meet; null: all records. */
  readonly rows: string | null;
}

export interface RolePermission {
  readonly superUser: boolean;
  /** May create and drop tables: everywhere, or in these databases. */
  readonly structureUser: boolean | readonly string[];
  /** Names of operations, and of groups of them, that the role is limited to or given; null: nothing is said. */
  readonly operations: readonly string[] | null;
  /** Database → table → permission. */
  readonly tables: ReadonlyMap<string, ReadonlyMap<string, TablePermission>>;
}

export const anyTable = '*';

/** @param where for messages: 'The role editor'. Throws INVALID_REQUEST. */
export function readPermission(value: unknown, where: string): RolePermission {
  const fields = objectOf(value, where);
  const tables = new Map<string, ReadonlyMap<string, TablePermission>>();
  for (const [name, part] of Object.entries(fields)) {
    if (roleFields.includes(name)) continue;
    tables.set(name, readDatabase(part, `${where}: ${name}`));
  }
  if (tables.has('system')) throw wrong(where, 'the database "system" belongs to the node; only super users reach it');
  return {
    superUser: flag(fields, 'super_user', where),
    structureUser: readStructureUser(fields.structure_user, where),
    operations: readNames(fields.operations, `${where}: operations`),
    tables,
  };
}

const roleFields: readonly string[] = ['super_user', 'cluster_user', 'structure_user', 'operations'];

function readDatabase(value: unknown, where: string): ReadonlyMap<string, TablePermission> {
  const fields = objectOf(value, where);
  // As the operations have it, `tables` is in between; in roles.yaml it may be left out.
  const isNested = Object.keys(fields).length === 1 && isObject(fields.tables) && !hasFlags(fields.tables);
  const tables = isNested ? objectOf(fields.tables, where) : fields;
  return new Map(Object.entries(tables).map(([name, part]) => [name, readTable(part, `${where}.${name}`)]));
}

function hasFlags(value: Readonly<Record<string, unknown>>): boolean {
  return tableFields.some((name) => name in value && !isObject(value[name]));
}

const tableFields = ['read', 'insert', 'update', 'delete', 'attribute_permissions', 'attributes', 'rows'];

function readTable(value: unknown, where: string): TablePermission {
  const fields = objectOf(value, where);
  refuseUnknown(fields, tableFields, where);
  const table = {
    read: flag(fields, 'read', where),
    insert: flag(fields, 'insert', where),
    update: flag(fields, 'update', where),
    delete: flag(fields, 'delete', where),
  };
  const attributes = readAttributes(fields, where);
  for (const [name, attribute] of attributes ?? []) {
    for (const action of attributeActions) {
      if (attribute[action] && !table[action])
        throw wrong(where, `the attribute ${name} allows ${action}, which the table does not`);
    }
  }
  const { rows = null } = fields;
  if (rows !== null && (typeof rows !== 'string' || rows.trim() === ''))
    throw wrong(where, 'rows is a query such as "owner=$user"');
  return { ...table, attributes, rows };
}

const attributeActions = ['read', 'insert', 'update'] as const;

/** A list with names in it, as the operations have it, or an object by name. An empty list says nothing. */
function readAttributes(
  { attribute_permissions: list, attributes: byName }: Readonly<Record<string, unknown>>,
  where: string,
): ReadonlyMap<string, AttributePermission> | null {
  if (list !== undefined && byName !== undefined)
    throw wrong(where, 'attribute_permissions and attributes are the same; use one');
  const given = list ?? byName ?? [];
  const named = Array.isArray(given)
    ? given.map((item: unknown): [unknown, unknown] => {
        const { attribute_name: name, ...flags } = objectOf(item, `${where}: attribute_permissions`);
        return [name, flags];
      })
    : Object.entries(objectOf(given, `${where}: attributes`));
  if (named.length === 0) return null;
  return new Map(
    named.map(([name, value]) => {
      if (typeof name !== 'string' || name === '')
        throw wrong(where, 'each of attribute_permissions has an attribute_name');
      const fields = objectOf(value, `${where}.${name}`);
      refuseUnknown(fields, [...attributeActions, 'delete'], `${where}.${name}`);
      return [
        name,
        {
          read: flag(fields, 'read', where),
          insert: flag(fields, 'insert', where),
          update: flag(fields, 'update', where),
        },
      ];
    }),
  );
}

function readStructureUser(value: unknown, where: string): boolean | readonly string[] {
  if (value === undefined || value === null) return false;
  if (typeof value === 'boolean') return value;
  const names = readNames(value, `${where}: structure_user`);
  return names ?? false;
}

function readNames(value: unknown, where: string): readonly string[] | null {
  if (value === undefined || value === null) return null;
  if (Array.isArray(value) && value.every((name) => typeof name === 'string')) return value;
  throw wrong(where, 'this is a list of names');
}

function flag(fields: Readonly<Record<string, unknown>>, name: string, where: string): boolean {
  const value = fields[name] ?? false;
  if (typeof value === 'boolean') return value;
  throw wrong(where, `${name} is true or false, not ${JSON.stringify(value)}`);
}

function refuseUnknown(fields: Readonly<Record<string, unknown>>, known: readonly string[], where: string): void {
  const unknown = Object.keys(fields).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const close = nearest(unknown, known);
  throw wrong(
    where,
    `there is no "${unknown}"${close === undefined ? '' : `; did you mean "${close}"?`} There are: ${known.join(', ')}`,
  );
}

function objectOf(value: unknown, where: string): Readonly<Record<string, unknown>> {
  if (isObject(value)) return value;
  throw wrong(
    where,
    `this must name what it allows, such as { ${where.includes(':') ? 'read: true' : 'data: { Product: { read: true } }'} }, not ${JSON.stringify(value)}`,
  );
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function wrong(where: string, what: string): ZerohopError {
  return new ZerohopError('INVALID_REQUEST', `${where}: ${what}.`);
}

/** A role as code of the app sees it; what counts is decided by `Access`. */
export interface UserRole {
  readonly id: string;
  readonly role: string;
  /** As the operations write it: `{ super_user, <database>: { tables: … } }`. */
  readonly permission: JsonObject;
}

/** A role as users carry it. Without a permission nothing is known of it: it allows nothing of its own. */
export function roleOf(id: string, permission?: RolePermission): UserRole {
  const told = permission === undefined ? { super_user: false } : permissionToJson(permission);
  return Object.freeze({ id, role: id, permission: told });
}

/** The permission as the operations write it. */
export function permissionToJson({ superUser, structureUser, operations, tables }: RolePermission): JsonObject {
  const databases = [...tables].map(([database, permissions]): [string, JsonObject] => [
    database,
    { tables: Object.fromEntries([...permissions].map(([name, permission]) => [name, tableToJson(permission)])) },
  ]);
  return {
    super_user: superUser,
    structure_user: typeof structureUser === 'boolean' ? structureUser : [...structureUser],
    ...(operations !== null && { operations: [...operations] }),
    ...Object.fromEntries(databases),
  };
}

function tableToJson({ attributes, rows, read, insert, update, delete: remove }: TablePermission): JsonObject {
  return {
    read,
    insert,
    update,
    delete: remove,
    attribute_permissions: [...(attributes ?? [])].map(([name, may]) => ({ attribute_name: name, ...may })),
    ...(rows !== null && { rows }),
  };
}
