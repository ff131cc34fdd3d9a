// Operations on databases and tables: what there is, and making more of it.

import { ZerohopError } from '../../base/index.ts';
import { type AppNode, typeName } from '../../resources/index.ts';
import { type Attribute, type AttributeRole, scalarTypes, type TableDefinition } from '../../schema/index.ts';
import { accessTo, systemDatabase, type User } from '../../security/index.ts';
import type { DatabaseChange } from '../../store/index.ts';
import type { Table } from '../../tables/index.ts';
import { asRequest, type Body, isObject, list, optionalText, text } from './fields.ts';
import { databaseNamed, tableNamed } from './table-named.ts';
import type { Operation } from './types.ts';

const databasePattern = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
const tablePattern = /^[\x20-\x2E\x30-\x5F\x61-\x7E]{1,128}$/;
const attributePattern = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;
const attributesPerTable = 1_000;
/** How often expired records are removed, unless the schema says otherwise. */
const leastScanMs = 1_000;

/** @param change makes or drops a database or a table where the writer is; dropping is for good */
export function schemaOperations(node: AppNode, change: (change: DatabaseChange) => Promise<void>): Operation[] {
  const { databases } = node;
  const describeDatabase = (name: string, user: User | null): Record<string, unknown> => {
    const tables = [...(databases.all.get(name)?.values() ?? [])];
    return Object.fromEntries(
      tables.flatMap((table) => {
        const said = describe(node, table, user);
        return said === undefined ? [] : [[table.definition.name, said]];
      }),
    );
  };
  const operations: Operation[] = [
    {
      name: 'describe_all',
      access: 'user',
      run: async ({ user }) =>
        Object.fromEntries(
          [...databases.all.keys()].flatMap((name) => {
            const tables = name === systemDatabase ? {} : describeDatabase(name, user);
            return Object.keys(tables).length > 0 || (user?.superUser && name !== systemDatabase)
              ? [[name, tables]]
              : [];
          }),
        ),
    },
    {
      name: 'describe_database',
      access: 'user',
      async run({ body, user }) {
        const name = databaseNamed(body);
        const tables = describeDatabase(name, user);
        if (Object.keys(tables).length > 0 || (user?.superUser && databases.all.has(name))) return tables;
        throw new ZerohopError('NOT_FOUND', `There is no database ${name}.`);
      },
    },
    {
      name: 'describe_table',
      access: 'user',
      async run({ body, user }) {
        const table = tableNamed(databases, body);
        const said = describe(node, table, user);
        if (said !== undefined) return said;
        throw new ZerohopError('FORBIDDEN', `${user?.username} may do nothing with ${table.definition.name}.`);
      },
    },
    {
      name: 'create_database',
      access: 'super_user',
      async run({ body }) {
        const name = databaseNamed(body);
        checkDatabase(name);
        if (databases.all.has(name)) throw new ZerohopError('CONFLICT', `There is a database ${name} already.`);
        await change({ do: 'create', database: name });
        return { message: `database '${name}' successfully created` };
      },
    },
    {
      name: 'drop_database',
      access: 'super_user',
      async run({ body }) {
        const name = text(body, 'database', 'schema');
        databaseNamed(body);
        if (!databases.all.has(name)) throw new ZerohopError('NOT_FOUND', `There is no database ${name}.`);
        await change({ do: 'drop', database: name });
        return { message: `successfully deleted '${name}'` };
      },
    },
    {
      name: 'create_table',
      access: 'super_user',
      async run({ body }) {
        const definition = newTable(body);
        const { database, name } = definition;
        if (databases.table(database, name))
          throw new ZerohopError('CONFLICT', `There is a table ${database}.${name} already.`);
        await databases.applySchema([definition]);
        return { message: `table '${database}.${name}' successfully created.` };
      },
    },
    {
      name: 'drop_table',
      access: 'super_user',
      async run({ body }) {
        const { database, name } = tableNamed(databases, body).definition;
        await change({ do: 'drop', database, table: name });
        return { message: `successfully deleted table '${database}.${name}'` };
      },
    },
    {
      name: 'create_attribute',
      access: 'super_user',
      async run({ body }) {
        const { definition } = tableNamed(databases, body);
        const attribute = readAttribute({ ...body, name: text(body, 'attribute') });
        if (definition.attributes.some(({ name }) => name === attribute.name))
          throw new ZerohopError('CONFLICT', `${definition.name} has an attribute ${attribute.name} already.`);
        await databases.applySchema([{ ...definition, attributes: [...definition.attributes, attribute] }]);
        return {
          message: `attribute '${definition.database}.${definition.name}.${attribute.name}' successfully created.`,
        };
      },
    },
    {
      name: 'drop_attribute',
      access: 'super_user',
      async run({ body }) {
        const table = tableNamed(databases, body);
        const name = text(body, 'attribute');
        const { definition } = table;
        checkDroppable(definition, name);
        await forgetValues(node, table, name);
        const attributes = definition.attributes.filter((attribute) => attribute.name !== name);
        if (attributes.length < definition.attributes.length)
          await databases.applySchema([{ ...definition, attributes }]);
        return { message: `successfully deleted attribute '${name}'` };
      },
    },
  ];
  return operations.map(({ run, ...operation }) => ({ ...operation, run: (call) => asRequest(() => run(call)) }));
}

/** Undefined for those who may do nothing with the table. */
function describe({ databases }: AppNode, table: Table, user: User | null): Record<string, unknown> | undefined {
  const { database, name, primaryKey, attributes, audit, expirationMs } = table.definition;
  const grants = accessTo(databases).grants(user).on(table.definition);
  if (!Object.values(grants).some(({ allowed }) => allowed)) return undefined;
  const seen = new Set(
    Object.values(grants).flatMap((grant) => (grant.allowed ? [...(grant.attributes ?? ['*'])] : [])),
  );
  return {
    schema: database,
    database,
    name,
    primary_key: primaryKey,
    hash_attribute: primaryKey,
    audit,
    schema_defined: true,
    ...(expirationMs !== undefined && { expiration: expirationMs / 1000 }),
    attributes: attributes
      .filter((attribute) => attribute.name === primaryKey || seen.has('*') || seen.has(attribute.name))
      .map((attribute) => ({
        attribute: attribute.name,
        type: typeName(attribute.type),
        ...(attribute.indexed && { indexed: true }),
        ...(attribute.name === primaryKey && { is_primary_key: true }),
      })),
    // How many there are is for those who may see them all.
    ...(grants.read.rows === null && grants.read.allowed && { record_count: table.recordCount() }),
  };
}

function newTable(body: Body): TableDefinition {
  const database = databaseNamed(body);
  checkDatabase(database);
  const name = text(body, 'table');
  if (!tablePattern.test(name))
    throw new ZerohopError(
      'INVALID_SCHEMA',
      'The name of a table has 1 to 128 printable ASCII characters, no / and no backtick.',
    );
  const primaryKey = optionalText(body, 'primary_key', 'hash_attribute') ?? 'id';
  const given = body.attributes === undefined || body.attributes === null ? [] : list(body, 'attributes');
  if (given.length > attributesPerTable)
    throw new ZerohopError('INVALID_SCHEMA', `A table may be made with ${attributesPerTable} attributes at most.`);
  const named = given.map(readAttribute);
  const attributes = [
    ...(named.some((attribute) => attribute.name === primaryKey)
      ? []
      : [readAttribute({ name: primaryKey, type: 'Any' })]),
    ...named,
  ];
  if (given.length === 0)
    attributes.push(timeAttribute('__createdtime__', 'createdTime'), timeAttribute('__updatedtime__', 'updatedTime'));
  const double = attributes.find((one, index) => attributes.findIndex((other) => other.name === one.name) !== index);
  if (double) throw new ZerohopError('INVALID_SCHEMA', `The attribute ${double.name} is there twice.`);
  return {
    database,
    name,
    primaryKey,
    attributes,
    sealed: false,
    ...lifetimeOf(body.expiration),
    replicate: true,
    audit: body.audit !== false,
    hidden: false,
  };
}

function lifetimeOf(seconds: unknown): Pick<TableDefinition, 'expirationMs' | 'evictionMs' | 'scanIntervalMs'> {
  if (seconds === undefined || seconds === null) return {};
  const expirationMs = typeof seconds === 'number' ? Math.round(seconds * 1000) : Number.NaN;
  if (!Number.isSafeInteger(expirationMs) || expirationMs <= 0)
    throw new ZerohopError('INVALID_REQUEST', '"expiration" is a number of seconds, more than 0.');
  return { expirationMs, evictionMs: 0, scanIntervalMs: Math.max(leastScanMs, Math.round(expirationMs / 4)) };
}

function readAttribute(given: unknown): Attribute {
  const { name, type = 'Any', indexed, index } = isObject(given) ? given : {};
  if (typeof name !== 'string' || !attributePattern.test(name)) {
    throw new ZerohopError(
      'INVALID_SCHEMA',
      'An attribute is {"name", "type", "indexed"}; its name has letters, digits and _, at most 128, and no digit first.',
    );
  }
  const scalar = scalarTypes.find((one) => one.toLowerCase() === String(type).toLowerCase());
  if (scalar === undefined || scalar === 'Blob') {
    const types = scalarTypes.filter((one) => one !== 'Blob').join(', ');
    throw new ZerohopError('INVALID_SCHEMA', `The type of ${name} is one of ${types}, not ${JSON.stringify(type)}.`);
  }
  return {
    name,
    type: { kind: 'scalar', scalar },
    required: false,
    indexed: (indexed ?? index) === true,
    unique: false,
    fulltext: false,
    hidden: false,
  };
}

function timeAttribute(name: string, role: AttributeRole): Attribute {
  return { ...readAttribute({ name, type: 'Long', indexed: true }), role };
}

function checkDatabase(name: string): void {
  if (databasePattern.test(name)) return;
  throw new ZerohopError(
    'INVALID_SCHEMA',
    `"${name}" can't be the name of a database. Use letters, digits, "-" and "_", at most 64.`,
  );
}

function checkDroppable({ name: table, primaryKey, attributes }: TableDefinition, name: string): void {
  if (name === primaryKey) throw new ZerohopError('INVALID_REQUEST', `${name} is the primary key of ${table}.`);
  const user = attributes.find(({ relationship }) => relationship?.from === name);
  if (user) throw new ZerohopError('CONFLICT', `${table}.${user.name} is a relationship by ${name}: drop that first.`);
}

/** Records per transaction while values are removed. */
const batchRecords = 1_000;

/** Takes the values out of the records, by changes like any other: they replicate. */
async function forgetValues({ databases }: AppNode, table: Table, attribute: string): Promise<void> {
  const declared = table.definition.attributes.find(({ name }) => name === attribute);
  // Nothing of these is stored.
  if (declared?.computed || declared?.type.kind === 'relation') return;
  for (let cursor: string | null = ''; cursor !== null; ) {
    const transaction = databases.transaction();
    try {
      const found = transaction.search(table, { limit: batchRecords, cursor, allowFullScan: true });
      for (const { id, json } of [...found.rows])
        if (Object.hasOwn(JSON.parse(json) as object, attribute)) transaction.patch(table, id, { [attribute]: null });
      cursor = found.nextCursor();
      if (transaction.hasWrites) await transaction.commit();
    } finally {
      transaction.abort();
    }
  }
}
