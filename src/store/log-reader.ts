// Reads from a database file what another node lacks: from the log while it reaches back far enough, else a copy of all rows in parts.
// Every call reads one consistent state of the file. Works on any connection, the writer's own between commits or one for reading.

import type { Id } from '../records/index.ts';
import { type CatalogEntry, type Connection, quoted, readCatalog, type SqlValue } from '../storage/index.ts';
import { noOrigin } from './ledger.ts';
import type { CopyPosition, RemoteBatch, RemoteRow, RemoteTransaction, Vector } from './remote-types.ts';

export interface LogRequest {
  /** What the other node has. */
  readonly vector: Vector;
  /** Origins to leave out: the other node hears of them directly. */
  readonly except: ReadonlySet<string>;
  /** Nothing up to this log entry is missing there; 0: not known. */
  readonly after: number;
  /** A batch ends with the transaction that reaches it. */
  readonly limitBytes: number;
}

export type LogAnswer =
  | {
      readonly kind: 'batch';
      readonly batch: RemoteBatch;
      /** For the next request: nothing up to here is missing any more. */
      readonly after: number;
      /** Whether there is nothing more for now. */
      readonly atEnd: boolean;
      /** The batch may hold this node's own changes up to this transaction: it is to be sent only when that is on disk. */
      readonly ownSeq: number;
    }
  /** The log begins too late, or the next transaction is larger than any batch may be: only a copy of all rows will do. */
  | { readonly kind: 'copy'; readonly vector: Vector };

export interface CopyAnswer {
  readonly rows: readonly RemoteRow[];
  readonly next: CopyPosition | null;
  readonly ownSeq: number;
}

/** Log entries looked at in one call, and at once. */
const entriesPerRead = 20_000;
const entriesPerPage = 1_000;
/** Log entries of other origins passed over in one go. */
const entriesPerScan = 500_000;
/** The largest transaction that is sent whole, in bytes. */
export const largestTransactionBytes = 64 * 1024 * 1024;

/** `next`: the row after which to go on; null: these were the last. */
export interface SomeRows {
  readonly rows: readonly RemoteRow[];
  readonly next: number | null;
}

/** Rows looked at in one call. */
const rowsPerRead = 5_000;

interface Entry {
  readonly lsn: number;
  readonly origin: number;
  readonly seq: number;
  readonly version: number;
  readonly table: number;
  readonly row: number;
}

/** A table of which rows are read one by one. */
interface TableRead {
  readonly name: string;
  readonly select: string;
  /** Row → its place in the batch. */
  readonly positions: Map<number, number>;
}

function tableRead({ definition, names }: CatalogEntry): TableRead {
  return {
    name: definition.name,
    select: `SELECT ${columns} FROM ${quoted(names.table)} WHERE _row = ?`,
    positions: new Map(),
  };
}

export class LogReader {
  readonly #connection: Connection;
  #catalog: readonly CatalogEntry[] = [];
  #definitions = '';

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** What this node has. */
  vector(): Vector {
    return new Map(this.#peers().map(({ id, seq }) => [id, seq]));
  }

  read({ vector, except, after, limitBytes }: LogRequest): LogAnswer {
    return this.#consistently(() => {
      const peers = this.#peers();
      const own = new Map(peers.map(({ id, seq }) => [id, seq]));
      const wanted = peers.filter(({ id }) => !except.has(id));
      if (wanted.some(({ id, trimmed }) => (vector.get(id) ?? 0) < trimmed)) return { kind: 'copy', vector: own };
      const origins = new Map(wanted.map(({ number, id }) => [number, id]));
      const start = after > 0 ? after : this.#lastMark(vector, except);
      const collected = this.#collect(origins, vector, start, limitBytes);
      if (collected === 'tooLarge') return { kind: 'copy', vector: own };
      const { rows, transactions, last, atEnd } = collected;
      const reached = new Map<string, number>();
      if (atEnd) for (const { id, seq } of wanted) reached.set(id, seq);
      else for (const { origin, seq } of transactions) reached.set(origin, seq);
      const upTo = new Map([...reached].filter(([id, seq]) => seq > (vector.get(id) ?? 0)));
      const from = new Map([...upTo.keys()].map((id) => [id, vector.get(id) ?? 0]));
      const batch: RemoteBatch = { from, upTo, rows, transactions };
      return { kind: 'batch', batch, after: last, atEnd, ownSeq: this.#ownSeq() };
    });
  }

  /** The next part of a copy of all rows, tombstones included. `position` undefined: the first. */
  readCopy(position: CopyPosition | undefined, limitBytes: number): CopyAnswer {
    return this.#consistently(() => {
      const rows: RemoteRow[] = [];
      const ids = this.#originIds();
      let bytes = 0;
      const tables = this.#replicated().sort((a, b) => (a.definition.name < b.definition.name ? -1 : 1));
      for (const entry of tables) {
        const { name } = entry.definition;
        if (position && name < position.table) continue;
        const here = position?.table === name ? position : { table: name, row: 0, last: this.#lastRow(entry) };
        const select = `SELECT _row, ${columns} FROM ${quoted(entry.names.table)} WHERE _row > ? AND _row <= ? ORDER BY _row`;
        for (const [row, ...values] of this.#connection.iterate(select, [here.row, here.last])) {
          const read = rowFrom(name, values, ids);
          rows.push(read);
          bytes += weight(read);
          if (bytes >= limitBytes) return { rows, next: { ...here, row: Number(row) }, ownSeq: this.#ownSeq() };
        }
      }
      return { rows, next: null, ownSeq: this.#ownSeq() };
    });
  }

  /** Rows of one table that are `which`, tombstones included. */
  readSome(table: string, after: number, limitBytes: number, which: (id: Id) => boolean): SomeRows {
    return this.#consistently(() => {
      const entry = this.#replicated().find(({ definition }) => definition.name === table);
      if (!entry) return { rows: [], next: null };
      const rows: RemoteRow[] = [];
      const ids = this.#originIds();
      const select = `SELECT _row, ${columns} FROM ${quoted(entry.names.table)} WHERE _row > ? ORDER BY _row LIMIT ${rowsPerRead}`;
      let bytes = 0;
      let seen = 0;
      let last = after;
      for (const [row, ...values] of this.#connection.iterate(select, [after])) {
        seen++;
        last = Number(row);
        if (!which(values[0] as Id)) continue;
        const read = rowFrom(table, values, ids);
        rows.push(read);
        bytes += weight(read);
        if (bytes >= limitBytes) return { rows, next: last };
      }
      return { rows, next: seen < rowsPerRead ? null : last };
    });
  }

  /** Those of one table with these ids, tombstones included. */
  readThese(table: string, wanted: readonly Id[]): readonly RemoteRow[] {
    return this.#consistently(() => {
      const entry = this.#replicated().find(({ definition }) => definition.name === table);
      if (!entry) return [];
      const ids = this.#originIds();
      const select = `SELECT ${columns} FROM ${quoted(entry.names.table)} WHERE _id = ?`;
      return wanted.flatMap((id) => {
        const values = this.#connection.first(select, [id]);
        return values === undefined ? [] : rowFrom(table, values, ids);
      });
    });
  }

  /** Whether a copy begun with this vector can go on: the log still has everything since. */
  reachesBack(vector: Vector): boolean {
    return this.#peers().every(({ id, trimmed }) => (vector.get(id) ?? 0) >= trimmed);
  }

  /** The newest mark up to which a node with this vector has everything. */
  #lastMark(vector: Vector, except: ReadonlySet<string>): number {
    const marks = 'SELECT lsn, vector FROM _marks WHERE lsn < ? ORDER BY lsn DESC LIMIT 64';
    for (let before = Number.MAX_SAFE_INTEGER; ; ) {
      const page = this.#connection.all(marks, [before]);
      for (const [lsn, text] of page) {
        before = Number(lsn);
        const passed = JSON.parse(String(text)) as [origin: string, seq: number][];
        if (passed.every(([origin, seq]) => except.has(origin) || (vector.get(origin) ?? 0) >= seq)) return before;
      }
      if (page.length === 0) return 0;
    }
  }

  #collect(
    origins: ReadonlyMap<number, string>,
    vector: Vector,
    after: number,
    limitBytes: number,
  ): { rows: RemoteRow[]; transactions: RemoteTransaction[]; last: number; atEnd: boolean } | 'tooLarge' {
    const tables = new Map(this.#replicated().map((entry) => [entry.number, tableRead(entry)]));
    const ids = this.#originIds();
    const rows: RemoteRow[] = [];
    const transactions: { origin: string; seq: number; version: number; rows: number[] }[] = [];
    let bytes = 0;
    let beforeLast = 0;
    let last = after;
    let seen = 0;
    for (const entry of this.#entries(after, [...origins.keys()])) {
      const origin = origins.get(entry.origin);
      const open = transactions.at(-1);
      const isWanted = origin !== undefined && entry.seq > (vector.get(origin) ?? 0);
      const goesOn = isWanted && open?.origin === origin && open.seq === entry.seq;
      if (!goesOn && (bytes >= limitBytes || seen >= entriesPerRead)) return { rows, transactions, last, atEnd: false };
      if (goesOn && bytes - beforeLast > largestTransactionBytes) return 'tooLarge';
      seen += entry.origin === noOrigin ? entriesPerRead : 1;
      last = entry.lsn;
      if (!isWanted) continue;
      let transaction = open;
      if (!goesOn || transaction === undefined) {
        beforeLast = bytes;
        transaction = { origin, seq: entry.seq, version: entry.version, rows: [] };
        transactions.push(transaction);
        bytes += 32;
      }
      const table = tables.get(entry.table);
      if (!table) continue;
      let position = table.positions.get(entry.row);
      if (position === undefined) {
        const values = this.#connection.first(table.select, [entry.row]);
        // Expired, or deleted everywhere: nothing is left to say.
        if (values === undefined) continue;
        const row = rowFrom(table.name, values, ids);
        position = rows.push(row) - 1;
        table.positions.set(entry.row, position);
        bytes += weight(row);
      }
      if (transaction.rows.at(-1) !== position) transaction.rows.push(position);
    }
    return { rows, transactions, last: Math.max(after, this.#newest()), atEnd: true };
  }

  /** The entries of these origins, in order; after a long way without any, one of `noOrigin` that says how far it is. */
  *#entries(after: number, origins: readonly number[]): Generator<Entry> {
    const sql = `SELECT lsn, origin, seq, version, tbl, row FROM _log
      WHERE lsn > ? AND lsn <= ? AND origin IN (${origins.map(() => '?').join(', ')}) ORDER BY lsn LIMIT ${entriesPerPage}`;
    const newest = this.#newest();
    for (let from = after; from < newest; ) {
      const upTo = from + entriesPerScan;
      const page = this.#connection.all(sql, [from, upTo, ...origins]);
      for (const [lsn, origin, seq, version, table, row] of page) {
        from = Number(lsn);
        yield {
          lsn: from,
          origin: Number(origin),
          seq: Number(seq),
          version: Number(version),
          table: Number(table),
          row: Number(row),
        };
      }
      if (page.length === entriesPerPage) continue;
      from = upTo;
      if (from < newest) yield { lsn: from, origin: noOrigin, seq: 0, version: 0, table: 0, row: 0 };
    }
  }

  #newest(): number {
    return Number(this.#connection.first('SELECT max(lsn) FROM _log')?.[0] ?? 0);
  }

  #lastRow(entry: CatalogEntry): number {
    return Number(this.#connection.first(`SELECT max(_row) FROM ${quoted(entry.names.table)}`)?.[0] ?? 0);
  }

  /** This node first. */
  #peers(): { number: number; id: string; seq: number; trimmed: number }[] {
    return this.#connection
      .all('SELECT number, id, seq, trimmed FROM _peers JOIN _origins ON number = origin ORDER BY number')
      .map(([number, id, seq, trimmed]) => ({
        number: Number(number),
        id: String(id),
        seq: Number(seq),
        trimmed: Number(trimmed),
      }));
  }

  #ownSeq(): number {
    return Number(this.#connection.first('SELECT seq FROM _peers WHERE origin = 1')?.[0] ?? 0);
  }

  #originIds(): Map<number, string> {
    return new Map(
      this.#connection.all('SELECT number, id FROM _origins').map(([number, id]) => [Number(number), String(id)]),
    );
  }

  /** The tables that replicate; parsed again when one has changed. */
  #replicated(): CatalogEntry[] {
    const definitions = this.#connection.all('SELECT definition FROM _catalog ORDER BY number').join('\n');
    if (definitions !== this.#definitions) {
      this.#catalog = readCatalog(this.#connection);
      this.#definitions = definitions;
    }
    return this.#catalog.filter(({ definition }) => definition.replicate);
  }

  #consistently<T>(work: () => T): T {
    this.#connection.run('BEGIN');
    try {
      return work();
    } finally {
      this.#connection.run('COMMIT');
    }
  }
}

/** Of a row that is sent, in the order `rowFrom` takes them. */
export const columns = '_id, _version, _origin, abs(_seq), _expires, _merge, _computed, _body';

export function rowFrom(table: string, values: readonly SqlValue[], ids: ReadonlyMap<number, string>): RemoteRow {
  const [id, version, origin, seq, expires, merge, computed, body] = values;
  return {
    table,
    id: id as Id,
    version: Number(version),
    origin: ids.get(Number(origin)) ?? '',
    seq: Number(seq),
    expires: expires === null ? null : Number(expires),
    merge: textOrNull(merge),
    computed: textOrNull(computed),
    body: textOrNull(body),
  };
}

function textOrNull(value: SqlValue | undefined): string | null {
  return value === null || value === undefined ? null : String(value);
}

/** Bytes on the wire, about. */
function weight(row: RemoteRow): number {
  return 64 + (row.body?.length ?? 0) + (row.merge?.length ?? 0) + (row.computed?.length ?? 0);
}
