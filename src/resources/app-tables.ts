// `tables` and `databases` as app code has them: a class for every table there is at the moment it is asked for.

import type { AppNode } from './app-node.ts';
import { currentNode } from './scope.ts';
import type { TableClass } from './table-class.ts';
import { type TableResource, tableResource } from './table-resource.ts';

export type AppTables = Readonly<Record<string, TableClass>>;
export type AppDatabases = Readonly<Record<string, AppTables>>;

/**
 * The databases of a node. Without one, of the node the running code belongs to; then the classes work on any node, each call on that
 * of its caller.
 */
export function appDatabases(node?: AppNode): AppDatabases {
  const known = new Map<string, AppTables>();
  const of = (name: string): AppTables => {
    const made = known.get(name) ?? appTables(name, node);
    known.set(name, made);
    return made;
  };
  return listing(
    () => [...new Set(['data', ...(node ?? currentNode()).databases.all.keys()])],
    // `data` is there whether a node is or not: modules take hold of it while they are loaded.
    (name) => name === 'data' || (node ?? currentNode()).databases.all.has(name),
    of,
  );
}

function appTables(database: string, node: AppNode | undefined): AppTables {
  const classes = new Map<string, TableClass>();
  return listing(
    () => [...((node ?? currentNode()).databases.all.get(database)?.keys() ?? [])],
    (name) => (node ?? currentNode()).databases.table(database, name) !== undefined,
    (name) => {
      const made = classes.get(name) ?? asTableClass(tableResource(database, name, node));
      classes.set(name, made);
      return made;
    },
  );
}

/** TableResource takes what comes; the type says what it makes of it. */
function asTableClass(tableClass: typeof TableResource): TableClass {
  return tableClass as unknown as TableClass;
}

/** An object whose properties are `names()`, those that are there, each made by `get` when it is read. */
function listing<Value>(
  names: () => readonly string[],
  isThere: (name: string) => boolean,
  get: (name: string) => Value,
): Readonly<Record<string, Value>> {
  const has = (name: string | symbol): name is string => typeof name === 'string' && isThere(name);
  return new Proxy<Record<string, Value>>(Object.create(null), {
    get: (_target, name) => (has(name) ? get(name) : undefined),
    has: (_target, name) => has(name),
    ownKeys: () => [...names()],
    getOwnPropertyDescriptor: (_target, name) =>
      has(name) ? { configurable: true, enumerable: true, value: get(name) } : undefined,
    set: () => false,
    deleteProperty: () => false,
  });
}
