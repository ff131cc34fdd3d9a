// Writing to a table: each call stages its changes in a transaction; the transaction's commit makes them happen.

import { ZerohopError } from '../base/index.ts';
import type { Id } from '../records/index.ts';
import type { Precondition } from '../store/index.ts';
import type { CommittedWrite, PatchOptions, WriteOptions } from '../tables/index.ts';
import { storeBlobs } from './blob.ts';
import { countsIn } from './counts.ts';
import { checkPatch, checkPut } from './guard.ts';
import { RequestTarget } from './request-target.ts';
import type { ScopedTransaction } from './scoped-transaction.ts';
import { type SourceWrite, sourceOf, type TableSource } from './sources.ts';
import { blobNamesOf, blobsOf, type Place } from './table-place.ts';

type Told = (written: CommittedWrite) => void;
export type Fields = Readonly<Record<string, unknown>>;

/** Creates or replaces the record. Gives its id, or null when the store will assign it at commit. */
export async function stagePut(
  place: Place,
  transaction: ScopedTransaction,
  id: Id | undefined,
  record: unknown,
  options?: WriteOptions,
  told?: Told,
): Promise<Id | null> {
  const fields = fieldsOf(record, place);
  const check = checkPut(place, transaction, id, Object.keys(fields), options?.if?.exists === false);
  const ready = needsBlobs(place, fields) ? await withBlobs(place, transaction, id, fields) : fields;
  const expiresAt = options?.expiresAt ?? sourceFor(place)?.expiresAt(place);
  const staging = expiresAt === undefined ? options : { ...options, expiresAt };
  const staged = transaction.put(place.table, id, ready, staging, told);
  check.after(staged);
  writeThrough(place, transaction, options?.if?.exists === false ? 'post' : 'put', staged, fields, options?.if);
  return staged;
}

/** Sets the given attributes of the record and leaves the rest. */
export async function stagePatch(
  place: Place,
  transaction: ScopedTransaction,
  id: Id,
  changes: unknown,
  options?: PatchOptions,
  told?: Told,
): Promise<void> {
  const fields = fieldsOf(changes, place);
  // What is to be changed must be here.
  const loaded = await sourceFor(place)?.ready(place, id, undefined);
  if (loaded?.instead === null)
    throw new ZerohopError('NOT_FOUND', `${place.table.definition.name} has no record ${JSON.stringify(id)}.`);
  const names = [...Object.keys(fields), ...Object.keys(options?.add ?? {})];
  const check = checkPatch(place, transaction, id, names);
  const counts = countsIn(fields);
  const set = counts?.set ?? fields;
  const ready = needsBlobs(place, set) ? await withBlobs(place, transaction, id, set) : set;
  transaction.patch(
    place.table,
    id,
    ready,
    counts ? { ...options, add: counts.add, minimum: counts.minimum } : options,
    told,
  );
  check.after(id);
  writeThrough(place, transaction, 'patch', id, fields, options?.if);
}

/** The source that is to be told of writes. */
function sourceFor(place: Place): TableSource | undefined {
  const source = place.fromSource ? undefined : sourceOf(place);
  return source?.isSpread ? undefined : source;
}

/** Tells the table's source, if it has one, before the commit. */
export function writeThrough(
  place: Place,
  transaction: ScopedTransaction,
  verb: SourceWrite,
  id: Id | null,
  fields: Fields | undefined,
  condition?: Precondition,
): void {
  const source = sourceFor(place);
  if (source === undefined) return;
  const { name, primaryKey } = place.table.definition;
  if (id === null)
    throw new ZerohopError('INVALID_ID', `${name} has a source, which must know the id: give ${primaryKey}.`);
  transaction.beforeCommit(() => source.write(verb, id, fields, condition));
}

function needsBlobs(place: Place, fields: Fields): boolean {
  const names = blobNamesOf(place.table);
  return names.length > 0 && names.some((name) => fields[name] !== undefined && fields[name] !== null);
}

function withBlobs(place: Place, transaction: ScopedTransaction, id: Id | undefined, fields: Fields): Promise<Fields> {
  const current = (name: string): unknown => {
    const stored = id === undefined ? undefined : transaction.get(place.table, id);
    return stored === undefined ? undefined : place.table.decode(stored)[name];
  };
  return storeBlobs(fields, blobNamesOf(place.table), blobsOf(place), current);
}

/** The id the record carries in its primary key attribute. */
export function idInRecord(place: Place, record: Fields): Id | undefined {
  const id = record[place.table.definition.primaryKey];
  return typeof id === 'string' || typeof id === 'number' ? id : undefined;
}

export function fieldsOf(record: unknown, place: Place): Fields {
  if (typeof record === 'object' && record !== null && !Array.isArray(record) && !isBinary(record))
    return record as Fields;
  const { name } = place.table.definition;
  throw new ZerohopError('VALIDATION_FAILED', `A record of ${name} must be an object with its attributes.`);
}

function isBinary(value: object): boolean {
  return (
    value instanceof Blob ||
    value instanceof ReadableStream ||
    ArrayBuffer.isView(value) ||
    value instanceof ArrayBuffer
  );
}

/** The precondition of the request, when the write is to the record the request is about. */
export function optionsOf(target: unknown): WriteOptions {
  return target instanceof RequestTarget && target.precondition !== undefined ? { if: target.precondition } : {};
}
