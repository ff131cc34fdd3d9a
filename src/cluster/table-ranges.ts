// Reads tables by ranges of ids, for comparing them with another node's: sums of what is in a range, and the rows of one. Only records that do not
// expire are compared: each node removes the others in its own time.

import type { Id } from '../records/index.ts';
import { type Connection, quoted } from '../storage/index.ts';
import { columns, type RemoteRow, rowFrom, type Store } from '../store/index.ts';

/** After `after`, up to and with `upTo`; null: from the beginning, to the end. In the order of the ids' bytes, numbers first. */
export interface IdRange {
  readonly after: Id | null;
  readonly upTo: Id | null;
}

export interface RangeSum {
  readonly count: number;
  /** Order-free, over ids, versions, origins and bodies. */
  readonly sum: string;
  /** The id with which the limit was reached; null: the range is read to its end. */
  readonly last: Id | null;
}

export interface RowHead {
  readonly id: Id;
  readonly version: number;
  readonly origin: string;
  /** Of the body. */
  readonly hash: string;
}

/** Of the live records in a range, `limit` at most. */
export function sumOf({ connection, tables }: Store, table: string, range: IdRange, limit: number): RangeSum {
  const name = tables.get(table)?.entry.names.table;
  let [count, sum, last] = [0, 0n, null as Id | null];
  if (name === undefined) return { count, sum: '0', last };
  const origins = originsOf(connection);
  for (const values of connection.iterate(live('_id, _version, _origin, _body', name, range), [
    ...bounds(range),
    limit,
  ])) {
    const [id, version, origin, body] = values;
    sum = BigInt.asUintN(64, sum + hashOf(`${typeof id}${id}\0${version}\0${origins.get(Number(origin))}\0${body}`));
    count++;
    last = id as Id;
  }
  return { count, sum: sum.toString(16), last: count < limit ? null : last };
}

/** The live records of a range, `limit` at most. */
export function headsOf({ connection, tables }: Store, table: string, range: IdRange, limit: number): RowHead[] {
  const name = tables.get(table)?.entry.names.table;
  if (name === undefined) return [];
  const origins = originsOf(connection);
  return connection
    .all(live('_id, _version, _origin, _body', name, range), [...bounds(range), limit])
    .map(([id, version, origin, body]) => ({
      id: id as Id,
      version: Number(version),
      origin: origins.get(Number(origin)) ?? '',
      hash: hashOf(String(body)).toString(16),
    }));
}

/** Rows by id, tombstones included; those that are not there are left out. */
export function rowsOf({ connection, tables }: Store, table: string, ids: readonly Id[]): RemoteRow[] {
  const name = tables.get(table)?.entry.names.table;
  if (name === undefined) return [];
  const origins = originsOf(connection);
  const select = `SELECT ${columns} FROM ${quoted(name)} WHERE _id = ?`;
  return ids.flatMap((id) => {
    const values = connection.first(select, [id]);
    return values === undefined ? [] : rowFrom(table, values, origins);
  });
}

function live(columns: string, name: string, { after, upTo }: IdRange): string {
  const conditions = [
    '_body IS NOT NULL AND _expires IS NULL',
    ...(after === null ? [] : ['_id > ?']),
    ...(upTo === null ? [] : ['_id <= ?']),
  ];
  return `SELECT ${columns} FROM ${quoted(name)} WHERE ${conditions.join(' AND ')} ORDER BY _id LIMIT ?`;
}

function bounds({ after, upTo }: IdRange): Id[] {
  return [after, upTo].filter((id) => id !== null);
}

function originsOf(connection: Connection): ReadonlyMap<number, string> {
  return new Map(connection.all('SELECT number, id FROM _origins').map(([number, id]) => [Number(number), String(id)]));
}

function hashOf(text: string): bigint {
  return BigInt(Bun.hash(text));
}
