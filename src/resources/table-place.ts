// Where a call on a table's class happens: on which node, on which table, in whose transaction.

import { ZerohopError } from '../base/index.ts';
import type { Id } from '../records/index.ts';
import { administrator } from '../security/index.ts';
import type { FetchedRecord } from '../store/index.ts';
import type { BlobStore, StoredRecord, Table } from '../tables/index.ts';
import type { AppNode } from './app-node.ts';
import { blobAttributes } from './blob.ts';
import type { Guard } from './guard.ts';
import { RequestContext } from './request-context.ts';
import type { TableLookup } from './request-target.ts';
import { currentContext, currentNode } from './scope.ts';
import type { ScopedTransaction } from './scoped-transaction.ts';

/** What the class of a table says about where it belongs. `boundNode`: the one node it is for; else that of the running code. */
export interface TableClassPlace {
  readonly databaseName: string;
  readonly tableName: string;
  readonly boundNode: AppNode | undefined;
}

export interface Place {
  readonly node: AppNode;
  readonly table: Table;
  /** Of the request or transaction the call is part of; undefined: the call stands alone. */
  readonly context: RequestContext | undefined;
  /** Limits what is read and written to what a caller may do; undefined: the app itself, or a super user. */
  readonly guard?: Guard | undefined;
  /** The class the call was made on. */
  readonly tableClass?: TableClassPlace & { readonly prototype?: object };
  /** What stands for the one record the call names, in place of what the table has: a stale copy, or nothing. */
  readonly instead?: StoredRecord | null;
  /** Records of other nodes, to be searched with those of the table here. */
  readonly gathered?: readonly (FetchedRecord & { readonly id: Id })[];
  /** How many records fit the query, on all nodes. */
  readonly total?: number;
  /** What the call names of a spread table is in the table here, or beside it in this place, or nowhere. */
  readonly isReady?: true;
  /** What is written came from the table's source, which need not be told of it. */
  readonly fromSource?: boolean;
}

export function tableOf(tableClass: TableClassPlace): Table {
  return tableIn(tableClass.boundNode ?? currentNode(), tableClass);
}

function tableIn(node: AppNode, { databaseName, tableName }: TableClassPlace): Table {
  const table = node.databases.table(databaseName, tableName);
  if (table !== undefined) return table;
  const full = databaseName === 'data' ? tableName : `${databaseName}.${tableName}`;
  throw new ZerohopError('NOT_FOUND', `There is no table ${full}. Declare it in the schema with @table.`);
}

/** @param given the context app code passed along, if any */
export function placeOf(tableClass: TableClassPlace, given?: unknown): Place {
  const isContext = given instanceof RequestContext;
  if (!isContext && isLocalOnly(given)) throw noLocalOnly(tableClass);
  const named = isContext ? given : currentContext();
  const node = tableClass.boundNode ?? named?.node ?? currentNode();
  return { node, table: tableIn(node, tableClass), context: named?.node === node ? named : undefined, tableClass };
}

/** Whether options of a write ask that it stay on this node: overlooked, it would go to all. */
export function isLocalOnly(given: unknown): boolean {
  const metadata = typeof given === 'object' && given !== null && 'metadata' in given ? given.metadata : undefined;
  return typeof metadata === 'object' && metadata !== null && 'LOCAL_ONLY' in metadata && metadata.LOCAL_ONLY === true;
}

function noLocalOnly({ tableName }: TableClassPlace): ZerohopError {
  return new ZerohopError(
    'NOT_IMPLEMENTED',
    `${tableName}: a write with LOCAL_ONLY would make the nodes differ in one table, which they could not tell from a fault. Keep what is for one node alone in a table of its own: @table(replicate: false).`,
  );
}

export function lookupOf({ node, table }: Place): TableLookup {
  const { database } = table.definition;
  return (name) => node.databases.table(database, name)?.definition;
}

export function blobsOf({ node, table }: Place): BlobStore {
  return node.databases.blobs(table.definition.database);
}

/** The definition's Blob attributes. Computed once per definition. */
export function blobNamesOf(table: Table): readonly string[] {
  const { definition } = table;
  const known = blobNames.get(definition);
  if (known !== undefined) return known;
  const names = blobAttributes(definition);
  blobNames.set(definition, names);
  return names;
}
const blobNames = new WeakMap<object, readonly string[]>();

/** The transaction a read takes part in; undefined: the read stands alone. */
export function readingIn({ context }: Place): ScopedTransaction | undefined {
  return context === undefined || context.phase === 'released' ? undefined : context.transaction;
}

/** Runs `write` in the transaction of the call's context, or in one of its own that is then committed. */
export async function inTransaction<Result>(
  place: Place,
  write: (transaction: ScopedTransaction) => Promise<Result>,
): Promise<Result> {
  if (place.context !== undefined) {
    try {
      return await write(place.context.transaction);
    } finally {
      // What was begun too late is refused, and must not be held on to.
      if (place.context.phase === 'released') place.context.release();
    }
  }
  const context = new RequestContext(place.node, { user: administrator });
  try {
    const result = await write(context.transaction);
    await context.transaction.commit();
    return result;
  } finally {
    context.release();
  }
}
