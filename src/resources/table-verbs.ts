// The verbs of a table, for the statics and instance methods of its class and for the doors.

import { ZerohopError } from '../base/index.ts';
import type { Id } from '../records/index.ts';
import { checkDelete, checkPatch, demandRead, grantOf, guardedBy, limited, withRows } from './guard.ts';
import { RequestContext } from './request-context.ts';
import { pathOfId, RequestTarget } from './request-target.ts';
import type { ScopedTransaction } from './scoped-transaction.ts';
import { sourceOf } from './sources.ts';
import { demandWhole } from './spread-tables.ts';
import { inTransaction, isLocalOnly, type Place } from './table-place.ts';
import { describeTable, nameTarget, readOne, readProperty, searchRows } from './table-reads.ts';
import { type Fields, fieldsOf, idInRecord, optionsOf, stagePatch, stagePut, writeThrough } from './table-writes.ts';

/** What a new record came to be called. Null until the commit where the store counts ids. */
export interface Created {
  id: Id | null;
}

/** The class's own check of a record that is about to be written. Throws when it is not acceptable. */
export type Check = (id: Id | undefined, record: Fields, isPartial: boolean) => void;

export function getFrom(unguarded: Place, target: unknown): unknown {
  const place = guardedBy(unguarded, target);
  const named = nameTarget(target, place, 'selection');
  // Before a source is asked for what the caller may not read.
  demandRead(place);
  if (named.kind === 'collection') {
    const query = limited(place, named.query);
    const others = query.explain ? undefined : sourceOf(place);
    if (others?.gather) return others.gather(place, query).then((ready) => searchRows(ready, query));
    return searchRows(place, query);
  }
  if (named.kind === 'table') return describeTable(place);
  const read = (ready: Place) =>
    named.property === undefined
      ? readOne(ready, named.id, named.query)
      : readProperty(ready, named.id, named.property);
  const source = sourceOf(place);
  return source === undefined ? read(place) : source.ready(place, named.id, target).then(read);
}

export async function putInto(unguarded: Place, check: Check, target: unknown, data: unknown): Promise<void> {
  const place = guardedBy(unguarded, target);
  await inTransaction(place, async (transaction) => {
    if (isRecordAlone(target, data)) return putRecord(place, check, transaction, undefined, target);
    if (Array.isArray(data)) {
      for (const record of data) await putRecord(place, check, transaction, undefined, record);
      return;
    }
    const named = nameTarget(target, place);
    if (named.kind !== 'record') return putRecord(place, check, transaction, undefined, data);
    if (named.property === undefined) return putRecord(place, check, transaction, named.id, data, target);
    return stagePatch(place, transaction, named.id, { [named.property]: data }, optionsOf(target));
  });
}

async function putRecord(
  place: Place,
  check: Check,
  transaction: ScopedTransaction,
  id: Id | undefined,
  data: unknown,
  target?: unknown,
): Promise<void> {
  const record = fieldsOf(data, place);
  const known = id ?? idInRecord(place, record);
  check(known, record, false);
  await stagePut(place, transaction, known, record, optionsOf(target));
}

export async function patchIn(unguarded: Place, check: Check, target: unknown, data: unknown): Promise<void> {
  const place = guardedBy(unguarded, target);
  await inTransaction(place, async (transaction) => {
    const isAlone = isRecordAlone(target, data);
    const record = fieldsOf(isAlone ? target : data, place);
    const named = isAlone ? undefined : nameTarget(target, place);
    const id = named?.kind === 'record' ? named.id : idInRecord(place, record);
    if (id === undefined) {
      throw new ZerohopError(
        'INVALID_ID',
        `To change a record of ${place.table.definition.name}, name its id: /${place.table.definition.name}/<id>.`,
      );
    }
    check(id, record, true);
    await stagePatch(place, transaction, id, record, { if: { exists: true, ...optionsOf(target).if } });
  });
}

export async function postTo(unguarded: Place, check: Check, target: unknown, data: unknown): Promise<Created> {
  const place = guardedBy(unguarded, target);
  if (target instanceof RequestTarget && !target.isCollection && target.idIn(place.table) !== undefined) {
    throw new ZerohopError(
      'METHOD_NOT_ALLOWED',
      `A record of ${place.table.definition.name} does not answer POST; post to /${place.table.definition.name}/ to create one.`,
      { allow: ['GET', 'HEAD', 'QUERY', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] },
    );
  }
  return inTransaction(place, async (transaction) => {
    const record = fieldsOf(isRecordAlone(target, data) ? target : data, place);
    const id = idInRecord(place, record);
    check(id, record, false);
    const created: Created = { id: null };
    created.id = await stagePut(place, transaction, id, record, { if: { exists: false } }, (written) => {
      created.id = written.id;
      if (target instanceof RequestTarget) announce(place, written.id);
    });
    return created;
  });
}

/** Tells the client of the request where the new record is. */
function announce({ context }: Place, id: Id): void {
  if (context?.endpoint === undefined) return;
  context.createdId = id;
  context.response.status ??= 201;
  if (!context.response.headers.has('Location'))
    context.response.headers.set('Location', `/${context.endpoint}/${pathOfId(id)}`);
}

export async function deleteFrom(unguarded: Place, target: unknown): Promise<boolean> {
  const place = guardedBy(unguarded, target);
  const named = nameTarget(target, place);
  if (named.kind === 'record') {
    const { id, property } = named;
    return inTransaction(place, async (transaction) => {
      if (property === undefined) checkDelete(place, transaction, id);
      const check = property === undefined ? undefined : checkPatch(place, transaction, id, [property]);
      const existed = await isThere(place, transaction, id);
      if (property === undefined) transaction.delete(place.table, id, optionsOf(target));
      else transaction.patch(place.table, id, { [property]: null }, { if: { exists: true, ...optionsOf(target).if } });
      writeThrough(
        place,
        transaction,
        property === undefined ? 'delete' : 'patch',
        id,
        property === undefined ? undefined : { [property]: null },
        optionsOf(target).if,
      );
      check?.after(id);
      return existed;
    });
  }
  if (named.kind === 'table' || named.query.conditions === undefined) {
    const { name } = place.table.definition;
    throw new ZerohopError(
      'INVALID_REQUEST',
      `This would delete all of ${name}. Name a record (/${name}/<id>) or give a condition (/${name}/?attribute=value).`,
    );
  }
  demandWhole(place.node, place.table, 'deleting by a query');
  const grant = grantOf(place, 'delete');
  const readable = limited(place, withoutSelect(named.query));
  const query = withoutSelect(grant === undefined ? readable : withRows(place, readable, grant));
  return inTransaction(place, async (transaction) => {
    const ids = Array.from(transaction.search(place.table, query).rows, ({ id }) => id);
    for (const id of ids) checkDelete(place, transaction, id);
    for (const id of ids) {
      transaction.delete(place.table, id);
      writeThrough(place, transaction, 'delete', id, undefined);
    }
    return ids.length > 0;
  });
}

async function isThere(place: Place, transaction: ScopedTransaction, id: Id): Promise<boolean> {
  if (transaction.get(place.table, id) !== undefined) return true;
  const source = sourceOf(place);
  if (!source?.isSpread) return false;
  const { instead } = await source.ready(place, id, undefined);
  return instead !== undefined && instead !== null;
}

function withoutSelect<Query extends { readonly select?: unknown }>(query: Query): Omit<Query, 'select'> {
  const { select: _, ...rest } = query;
  return rest;
}

/** `put(record)`, `put(record, context)`: the first argument is the record itself. */
export function isRecordAlone(target: unknown, data: unknown): boolean {
  const isRecord =
    typeof target === 'object' && target !== null && !Array.isArray(target) && !(target instanceof RequestTarget);
  return isRecord && (data === undefined || data instanceof RequestContext || isLocalOnly(data));
}
