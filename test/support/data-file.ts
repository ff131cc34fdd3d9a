// A database file as any SQLite tool sees it: whether it is whole, and whether the figures it keeps are those of its rows.

import { Database } from 'bun:sqlite';
import { join } from 'node:path';

/** Opens `data.db` of a data folder for reading. */
export function openData(folder: string): Database {
  const database = new Database(join(folder, 'data.db'), { readonly: true });
  database.run('PRAGMA busy_timeout = 10000');
  return database;
}

/** What is wrong with the file, one line each; none when it is whole. Takes one snapshot, so that a node may go on writing. */
export function faultsOf(database: Database): string[] {
  database.run('BEGIN');
  try {
    const integrity = database.query('PRAGMA integrity_check').values().flat().map(String);
    return [...integrity.filter((line) => line !== 'ok'), ...figureFaults(database), ...logFaults(database)];
  } finally {
    database.run('COMMIT');
  }
}

interface CatalogRow {
  readonly number: number;
  readonly name: string;
  readonly physical: string;
  readonly next_id: number;
  readonly count: number;
  readonly digest_high: number;
  readonly digest_low: number;
}

interface LiveRow {
  readonly _id: string | number;
  readonly _version: number;
  readonly _expires: number | null;
  readonly origin: string;
}

/** Counts, digests and next ids, counted again from the rows. */
function figureFaults(database: Database): string[] {
  return database
    .query<CatalogRow, []>('SELECT * FROM _catalog')
    .all()
    .flatMap((entry) => {
      const rows = database
        .query<LiveRow, []>(
          `SELECT _id, _version, _expires, id AS origin FROM "${entry.physical}" JOIN _origins ON number = _origin WHERE _body IS NOT NULL`,
        )
        .all();
      const lanes = [1, 2].map((seed) =>
        rows
          .filter(({ _expires }) => _expires === null)
          .reduce((sum, row) => (sum + Bun.hash.xxHash32(digestText(row), seed)) >>> 0, 0),
      );
      const kept = [entry.count, entry.digest_high, entry.digest_low];
      const counted = [rows.length, ...lanes];
      const largest = rows.reduce((most, { _id }) => (typeof _id === 'number' ? Math.max(most, _id) : most), 0);
      return [
        ...(String(kept) === String(counted) ? [] : [`${entry.name}: _catalog says ${kept}, the rows say ${counted}`]),
        ...(largest < entry.next_id ? [] : [`${entry.name}: next id ${entry.next_id}, but there is ${largest}`]),
      ];
    });
}

function digestText({ _id, _version, origin }: LiveRow): string {
  return `${typeof _id === 'number' ? 'n' : 's'}${_id}\0${_version}\0${origin}`;
}

/** Every row's newest version is in the log, and the log has no commit that the node does not know it made. */
function logFaults(database: Database): string[] {
  const [known, logged] = database
    .query('SELECT (SELECT max(seq) FROM _peers), (SELECT max(seq) FROM _log)')
    .values()[0] ?? [0, 0];
  const missing = database
    .query<{ number: number; name: string; physical: string }, []>('SELECT number, name, physical FROM _catalog')
    .all()
    .flatMap(({ number, name, physical }) => {
      const rows = database
        .query(
          `SELECT count(*) FROM (SELECT _row, _seq, _version FROM "${physical}"
             EXCEPT SELECT row, seq, version FROM _log WHERE tbl = ${number})`,
        )
        .values()[0]?.[0];
      return rows === 0 ? [] : [`${name}: ${rows} rows are not in the log`];
    });
  return known === logged || logged === null ? missing : [...missing, `_peers says ${known}, _log says ${logged}`];
}
