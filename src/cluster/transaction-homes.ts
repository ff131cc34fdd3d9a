// The nodes that can do a transaction about records that not every node holds.

import { ZerohopError } from '../base/index.ts';
import type { Id } from '../records/index.ts';
import type { Residence } from '../schema/index.ts';
import type { Confirmation, StoreTransaction } from '../store/index.ts';
import type { Members } from './members.ts';
import { checkResidence, type Placement } from './placement.ts';
import type { Places } from './places.ts';

/** A record that gets its place by what is in it with the transaction, as nobody has said where it is. */
export interface NewPlace {
  readonly table: string;
  readonly id: Id;
  readonly residence: Residence;
}

/** By table and id. Throws APPLICATION_ERROR where code gives no place for a record that is put. */
export function newPlaces(
  placement: Placement,
  places: Places,
  { database, changes }: StoreTransaction,
): ReadonlyMap<string, NewPlace> {
  const found = new Map<string, NewPlace>();
  for (const change of changes) {
    const { op, table, id } = change;
    if (op !== 'put' || id === null || !placement.isByRecord(database, table)) continue;
    const residence = placement.placeFor(`${database}.${table}`, JSON.parse(change.body));
    if (places.entry(database, table, id) === undefined) found.set(keyOf(table, id), { table, id, residence });
  }
  return found;
}

function keyOf(table: string, id: Id): string {
  return `${table}\n${typeof id}${id}`;
}

/** The nodes that hold all that a transaction is about; undefined: this node does it in any case. Throws NOT_IMPLEMENTED. */
export function homesOfTransaction(
  placement: Placement,
  transaction: StoreTransaction,
  fresh: ReadonlyMap<string, NewPlace>,
): string[] | undefined {
  const { database, changes, reads } = transaction;
  let homes: string[] | undefined;
  const narrow = (table: string, id: string | number) => {
    if (placement.current) checkResidence(placement.current, `${database}.${table}`, id);
    const place = fresh.get(keyOf(table, id));
    const answering = placement.answering(database, table, id, place && (() => place.residence));
    if (answering.length > 0) homes = homes ? homes.filter((home) => answering.includes(home)) : answering;
  };
  for (const change of changes) {
    // What is computed of a record is computed where the record is.
    if (change.op === 'index' || !placement.isSpread(database, change.table)) continue;
    if (change.id !== null) narrow(change.table, change.id);
    else if (placement.current && placement.current.nodes.length > 1)
      throw new ZerohopError(
        'NOT_IMPLEMENTED',
        `${change.table} is spread over nodes (replicateTo), which follow from the id: give the id, or use a primary key of type ID.`,
      );
  }
  for (const [table, id] of reads ?? []) if (placement.isSpread(database, table)) narrow(table, id);
  if (homes?.length === 0)
    throw new ZerohopError(
      'NOT_IMPLEMENTED',
      'No node holds all records of this transaction, as their tables are spread (replicateTo). Write them in transactions of their own.',
    );
  return homes;
}

/** Only nodes that hold a record can confirm that they have it. */
export function amongHomes(
  { count, among }: Confirmation,
  homes: readonly string[],
  members: Members,
  node: string,
): Confirmation {
  const names = homes.filter((home) => home !== node).map((home) => members.nameOf(home));
  return { count, among: among ? names.filter((name) => among.includes(name)) : names };
}
