// What the store keeps in memory of one table: its prepared statements and the figures it carries forward from commit to commit.

import { compileIndexedValues, type IndexedValues } from '../records/index.ts';
import { type CatalogEntry, type Connection, jsonPath, quoted } from '../storage/index.ts';
import type { Digest } from './digest.ts';

type Statement = ReturnType<Connection['prepare']>;

/** A row without its body, for what only asks whether and which. */
export interface RowHead {
  readonly row: number;
  readonly version: number;
  readonly origin: number;
  readonly expires: number | null;
  readonly live: boolean;
  readonly merge: string | null;
}

export interface RowFull extends RowHead {
  readonly body: string | null;
}

export class TableState {
  readonly entry: CatalogEntry;
  /** Live records. */
  count = 0;
  /** The next integer id. */
  nextId = 1;
  readonly digest: Digest = { high: 0, low: 0 };
  /** Whether figures differ from those in `_catalog`. */
  changed = false;
  /** The attribute with role createdTime. */
  readonly createdTime: string | undefined;
  readonly hasBlobs: boolean;
  readonly hasUnique: boolean;
  /** The largest integer id there can be. */
  readonly maxId: number;
  /** The values of indexed computed attributes of a body; null when there are none that can be computed here. */
  readonly indexedValues: IndexedValues | null;

  readonly #connection: Connection;
  readonly #head: Statement;
  readonly #full: Statement;
  readonly #insert: Statement;
  readonly #insertAbsent: Statement;
  readonly #update: Statement;
  readonly #replace: Statement;
  readonly #remove: Statement;

  constructor(connection: Connection, entry: CatalogEntry) {
    this.#connection = connection;
    this.entry = entry;
    const { definition, names } = entry;
    this.createdTime = definition.attributes.find((attribute) => attribute.role === 'createdTime')?.name;
    this.hasBlobs = definition.attributes.some(
      (attribute) => attribute.type.kind === 'scalar' && attribute.type.scalar === 'Blob',
    );
    this.indexedValues = compileIndexedValues(definition);
    this.hasUnique = definition.attributes.some((attribute) => attribute.unique);
    const key = definition.attributes.find(({ name }) => name === definition.primaryKey)?.type;
    this.maxId = key?.kind === 'scalar' && key.scalar === 'Int' ? 2 ** 31 - 1 : Number.MAX_SAFE_INTEGER;
    const table = quoted(names.table);
    this.#head = connection.prepare(
      `SELECT _row, _version, _origin, _expires, _body IS NOT NULL, _merge FROM ${table} WHERE _id = ?`,
    );
    this.#full = connection.prepare(
      `SELECT _row, _version, _origin, _expires, _body IS NOT NULL, _merge, _body FROM ${table} WHERE _id = ?`,
    );
    const insert = `INSERT INTO ${table} (_id, _version, _origin, _seq, _expires, _merge, _computed, _body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`;
    this.#insert = connection.prepare(insert);
    this.#insertAbsent = connection.prepare(`${insert} ON CONFLICT (_id) DO NOTHING`);
    const update = (body: string) =>
      `UPDATE ${table} SET _version = ?1, _origin = ?2, _seq = ?3, _expires = ?4, _merge = ?5, _computed = ?6, _body = ${body} WHERE _row = ?8`;
    this.#update = connection.prepare(update('?7'));
    // A replaced record keeps the time it was created.
    const path = this.createdTime === undefined ? undefined : jsonPath(this.createdTime);
    this.#replace =
      path === undefined
        ? this.#update
        : connection.prepare(
            update(
              `CASE WHEN json_type(_body, ${path}) IS NULL THEN ?7 ELSE json_set(?7, ${path}, json_extract(_body, ${path})) END`,
            ),
          );
    this.#remove = connection.prepare(`DELETE FROM ${table} WHERE _row = ?`);
    this.load();
  }

  /** Frees the statements, when a changed definition takes its place. */
  close(): void {
    const own = [this.#head, this.#full, this.#insert, this.#insertAbsent, this.#update, this.#replace, this.#remove];
    for (const statement of new Set(own)) this.#connection.discard(statement);
  }

  /** Reads the figures from the file: at the start and after a group was rolled back. */
  load(): void {
    const row = this.#connection.first(
      'SELECT count, next_id, digest_high, digest_low FROM _catalog WHERE number = ?',
      [this.entry.number],
    );
    [this.count, this.nextId, this.digest.high, this.digest.low] = (row ?? [0, 1, 0, 0]).map(Number) as [
      number,
      number,
      number,
      number,
    ];
    this.changed = false;
  }

  /** Writes the figures, inside the group's transaction. */
  save(): void {
    if (!this.changed) return;
    this.changed = false;
    this.#connection.run(
      'UPDATE _catalog SET count = ?, next_id = ?, digest_high = ?, digest_low = ? WHERE number = ?',
      [this.count, this.nextId, this.digest.high, this.digest.low, this.entry.number],
    );
  }

  head(id: string | number): RowHead | undefined {
    const values = this.#head.values(id)[0];
    return (
      values && {
        row: Number(values[0]),
        version: Number(values[1]),
        origin: Number(values[2]),
        expires: nullable(values[3]),
        live: values[4] === 1,
        merge: values[5] === null ? null : String(values[5]),
      }
    );
  }

  full(id: string | number): RowFull | undefined {
    const values = this.#full.values(id)[0];
    return (
      values && {
        row: Number(values[0]),
        version: Number(values[1]),
        origin: Number(values[2]),
        expires: nullable(values[3]),
        live: values[4] === 1,
        merge: values[5] === null ? null : String(values[5]),
        body: values[6] === null ? null : String(values[6]),
      }
    );
  }

  /** Returns the new row number. */
  insert(
    id: string | number,
    version: number,
    origin: number,
    seq: number,
    expires: number | null,
    merge: string | null,
    computed: string | null,
    body: string | null,
  ): number {
    return Number(this.#insert.run(id, version, origin, seq, expires, merge, computed, body).lastInsertRowid);
  }

  /** The same, where no row has this id; undefined where one has. */
  insertAbsent(
    id: string | number,
    version: number,
    origin: number,
    seq: number,
    expires: number | null,
    merge: string | null,
    computed: string | null,
    body: string | null,
  ): number | undefined {
    const { changes, lastInsertRowid } = this.#insertAbsent.run(
      id,
      version,
      origin,
      seq,
      expires,
      merge,
      computed,
      body,
    );
    return changes === 0 ? undefined : Number(lastInsertRowid);
  }

  /** @param keepCreated a whole write over a live record: its created time stays */
  update(
    row: number,
    version: number,
    origin: number,
    seq: number,
    expires: number | null,
    merge: string | null,
    computed: string | null,
    body: string | null,
    keepCreated: boolean,
  ): void {
    (keepCreated ? this.#replace : this.#update).run(version, origin, seq, expires, merge, computed, body, row);
  }

  remove(row: number): void {
    this.#remove.run(row);
  }
}

function nullable(value: unknown): number | null {
  return value === null ? null : Number(value);
}
