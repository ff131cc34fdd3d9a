// Lists of records of one table, for doors that take and give many at once: each list is one transaction, limited to what the caller
// may do.

import { ZerohopError } from '../base/index.ts';
import type { Id } from '../records/index.ts';
import { refusal, type User } from '../security/index.ts';
import type { Table } from '../tables/index.ts';
import type { AppNode } from './app-node.ts';
import { checkDelete, guardFor, limited } from './guard.ts';
import { RequestContext } from './request-context.ts';
import { demandWhole } from './spread-tables.ts';
import type { Place } from './table-place.ts';
import { nameTarget, openSearch } from './table-reads.ts';
import { fieldsOf, idInRecord, stagePatch, stagePut, writeThrough } from './table-writes.ts';

/** Who calls, and for which table. */
export interface ListCall {
  readonly node: AppNode;
  readonly table: Table;
  readonly user: User | null;
}

/** `insert`: those there are already are skipped. `update`: those that are not there are. `upsert`: changed or created. */
export type ListAction = 'insert' | 'update' | 'upsert';

export interface ListOutcome {
  /** In the order of the list. */
  readonly done: readonly Id[];
  readonly skipped: readonly Id[];
}

/** All of the list, or with an error nothing. Attributes that a record does not name are left when there is one. */
export async function writeRecords(
  call: ListCall,
  action: ListAction,
  records: readonly unknown[],
): Promise<ListOutcome> {
  return inOne(call, async (place, context) => {
    demand(place, action);
    const slots: { id: Id | null }[] = [];
    const skipped: Id[] = [];
    for (const record of records) {
      const fields = fieldsOf(record, place);
      const id = idInRecord(place, fields);
      const isThere = id !== undefined && context.transaction.get(place.table, id) !== undefined;
      if (action === 'update' && id === undefined) throw needsId(place.table);
      if (id !== undefined && (action === 'insert' ? isThere : action === 'update' && !isThere)) skipped.push(id);
      else if (id !== undefined && isThere) {
        if (await isChanged(place, context, id, fields)) slots.push({ id });
        else if (action === 'update') skipped.push(id);
        else throw refusal(call.user, 'update', place.table.definition.name);
      } else {
        const slot: { id: Id | null } = { id: null };
        slot.id = await stagePut(place, context.transaction, id, fields, { if: { exists: false } }, (written) => {
          slot.id = written.id;
        });
        slots.push(slot);
      }
    }
    await context.transaction.commit();
    return { done: slots.flatMap(({ id }) => id ?? []), skipped };
  });
}

/** One that is not for the caller is as one that is not there. */
async function isChanged(
  place: Place,
  context: RequestContext,
  id: Id,
  fields: Readonly<Record<string, unknown>>,
): Promise<boolean> {
  try {
    await stagePatch(place, context.transaction, id, fields, { if: { exists: true } });
    return true;
  } catch (error) {
    if (error instanceof ZerohopError && error.code === 'NOT_FOUND') return false;
    throw error;
  }
}

export async function deleteRecords(call: ListCall, ids: readonly Id[]): Promise<ListOutcome> {
  return inOne(call, async (place, context) => {
    demand(place, 'delete');
    const done: Id[] = [];
    const skipped: Id[] = [];
    for (const id of ids) {
      const isThere = context.transaction.get(place.table, id) !== undefined;
      if (isThere && isDeletable(place, context, id)) {
        context.transaction.delete(place.table, id);
        done.push(id);
      } else skipped.push(id);
    }
    await context.transaction.commit();
    return { done, skipped };
  });
}

/** A change of a record that was read before. */
export interface RecordEdit {
  readonly id: Id;
  /** As it was read. */
  readonly tag: number;
  /** Attributes to set; null: the record is deleted. */
  readonly changes: Readonly<Record<string, unknown>> | null;
}

/** All of the list, or with an error nothing: PRECONDITION_FAILED when a record is of another version by then. */
export async function editRecords(call: ListCall, edits: readonly RecordEdit[]): Promise<void> {
  await inOne(call, async (place, context) => {
    const { transaction } = context;
    for (const action of ['update', 'delete'] as const)
      if (edits.some(({ changes }) => (changes === null) === (action === 'delete'))) demand(place, action);
    for (const { id, tag, changes } of edits) {
      transaction.insist(place.table, id, tag);
      if (changes !== null) await stagePatch(place, transaction, id, changes, { if: { exists: true } });
      else {
        checkDelete(place, transaction, id);
        transaction.delete(place.table, id);
        writeThrough(place, transaction, 'delete', id, undefined);
      }
    }
    await transaction.commit();
  });
}

function isDeletable(place: Place, context: RequestContext, id: Id): boolean {
  try {
    checkDelete(place, context.transaction, id);
    return true;
  } catch (error) {
    if (error instanceof ZerohopError && error.code === 'NOT_FOUND') return false;
    throw error;
  }
}

/**
 * Each record that the query object matches, as JSON text: a walk of one snapshot, which is let go when the walk ends. What is wrong
 * with the query is thrown by the call itself.
 */
export function searchRecords(call: ListCall, query: object): Iterable<string> {
  const context = new RequestContext(call.node, { user: call.user });
  try {
    const place = placeFor(call, context);
    demand(place, 'read');
    const named = nameTarget(query, place);
    if (named.kind !== 'collection') throw new ZerohopError('INVALID_QUERY', 'Give conditions in place of an id.');
    return walk(openSearch(place, limited(place, named.query)).rows, context);
  } catch (error) {
    context.release();
    throw error;
  }
}

function* walk(rows: Iterable<{ readonly json: string }>, context: RequestContext): Generator<string, void> {
  try {
    for (const { json } of rows) yield json;
  } finally {
    context.release();
  }
}

async function inOne<Result>(
  call: ListCall,
  run: (place: Place, context: RequestContext) => Promise<Result>,
): Promise<Result> {
  const context = new RequestContext(call.node, { user: call.user });
  try {
    return await run(placeFor(call, context), context);
  } finally {
    context.release();
  }
}

function placeFor({ node, table, user }: ListCall, context: RequestContext): Place {
  demandWhole(node, table, 'a list');
  return { node, table, context, guard: guardFor(node, user) };
}

/** Asked before anything is looked up: whether a record is there is no answer to those who may not do it. */
function demand({ guard, table }: Place, action: ListAction | 'delete' | 'read'): void {
  if (guard === undefined) return;
  const grants = guard.grants.on(table.definition);
  for (const one of action === 'upsert' ? (['insert', 'update'] as const) : [action])
    if (!grants[one].allowed) throw refusal(guard.user, one, table.definition.name);
}

function needsId({ definition }: Table): ZerohopError {
  return new ZerohopError('INVALID_ID', `Each record to change needs its "${definition.primaryKey}".`);
}
