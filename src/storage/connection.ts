// One SQLite connection with its prepared statements. This file and walk.ts are the only ones that import bun:sqlite.

import { Database, SQLiteError, type Statement } from 'bun:sqlite';
import { dirname } from 'node:path';
import { ZerohopError } from '../base/index.ts';
import type { SqlValue } from './encode.ts';
import { Walk } from './walk.ts';

/** Statements a connection keeps prepared; the one unused for longest makes room. */
const preparedStatements = 400;

export interface ConnectionOptions {
  readonly readonly: boolean;
  readonly journal?: 'WAL' | 'DELETE';
  /** How long to wait for a lock another connection holds. */
  readonly busyMs?: number;
}

export class Connection {
  readonly path: string;
  readonly #database: Database;
  readonly #prepared = new Map<string, Statement>();
  /** Prepared for others, until they discard them. */
  readonly #kept = new Set<Statement>();
  readonly #walks = new Set<Walk>();

  /** Opens a database file in WAL mode; a writer creates it. Throws CORRUPT_DATA, STORAGE_FULL or READ_ONLY in plain words. */
  constructor(path: string, options: ConnectionOptions) {
    this.path = path;
    this.#database = refusing(path, () => {
      const database = options.readonly
        ? new Database(path, { readonly: true })
        : new Database(path, { create: true, readwrite: true });
      database.run(`PRAGMA busy_timeout = ${options.busyMs ?? 5000}`);
      if (!options.readonly) {
        database.run(`PRAGMA journal_mode = ${options.journal ?? 'WAL'}`);
        database.run('PRAGMA synchronous = NORMAL');
        database.run('PRAGMA wal_autocheckpoint = 0');
        // Readers map nothing: SQLite gives up their mapping after each commit of another connection, and every page they touch then is a fault.
        database.run('PRAGMA mmap_size = 2147418112');
      }
      database.run('PRAGMA cache_size = -32000');
      database.run('PRAGMA temp_store = MEMORY');
      return database;
    });
  }

  /** Opens or creates a file that no other process can open this way until this one closes it or ends. Throws INVALID_CONFIG when one has. */
  static exclusive(path: string): Connection {
    let connection: Connection | undefined;
    try {
      connection = new Connection(path, { readonly: false, journal: 'DELETE', busyMs: 0 });
      connection.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
    } catch (error) {
      connection?.close();
      // What a lock of another process is called by `storageError`.
      if (!(error instanceof ZerohopError) || error.code !== 'OVERLOADED') throw error;
      throw new ZerohopError(
        'INVALID_CONFIG',
        `Another process uses the data folder ${dirname(path)}. Stop it, or choose another folder with --data or ZEROHOP_DATA.`,
      );
    }
    return connection;
  }

  /** A statement to keep: for the few that run on every request. */
  prepare(sql: string): Statement {
    const statement = refusing(this.path, () => this.#database.prepare(sql));
    this.#kept.add(statement);
    return statement;
  }

  /** Frees a statement that `prepare` gave. */
  discard(statement: Statement): void {
    this.#kept.delete(statement);
    statement.finalize();
  }

  /** Runs one statement that returns nothing; says how many rows it changed. */
  run(sql: string, parameters: readonly SqlValue[] = []): number {
    return refusing(this.path, () => this.#statement(sql).run(...parameters).changes);
  }

  /** Runs several statements separated by semicolons, prepared anew: many a PRAGMA takes effect only then. */
  exec(sql: string): void {
    refusing(this.path, () => this.#database.run(sql));
  }

  /** Ends the transaction that is open, if there is one: where the disk fails, SQLite has ended it by itself at times. */
  rollBack(): void {
    if (this.#database.inTransaction) this.run('ROLLBACK');
  }

  /** All rows, each an array of column values. */
  all(sql: string, parameters: readonly SqlValue[] = []): SqlValue[][] {
    return refusing(this.path, () => this.#statement(sql).values(...parameters) as SqlValue[][]);
  }

  /** The first row, or undefined. */
  first(sql: string, parameters: readonly SqlValue[] = []): SqlValue[] | undefined {
    return this.all(sql, parameters)[0];
  }

  /** Rows one by one, from a statement of their own, so that several walks may go on at once. */
  *iterate(sql: string, parameters: readonly SqlValue[] = []): Generator<SqlValue[]> {
    const walk = refusing(this.path, () => new Walk(this.#database.prepare(sql), parameters));
    this.#walks.add(walk);
    try {
      for (;;) {
        const row = refusing(this.path, () => walk.next());
        if (!row) return;
        yield row;
      }
    } finally {
      this.#walks.delete(walk);
      walk.end(new Error('Bug: a finished walk goes on'));
    }
  }

  /** Has the walks that are under way read their remaining rows: before a change of temporary tables, which would break them. */
  settleWalks(): void {
    refusing(this.path, () => {
      for (const walk of this.#walks) walk.settle();
    });
  }

  /** Ends the walks that are under way, which would hold on to the snapshot. Who goes on with one gets what `refusal` makes. */
  endWalks(refusal: () => Error): void {
    for (const walk of this.#walks) walk.end(refusal());
    this.#walks.clear();
  }

  close(): void {
    this.endWalks(() => new Error(`Bug: ${this.path} was closed under a walk`));
    for (const statement of this.#prepared.values()) statement.finalize();
    for (const statement of this.#kept) statement.finalize();
    this.#prepared.clear();
    this.#kept.clear();
    this.#database.close();
  }

  #statement(sql: string): Statement {
    const known = this.#prepared.get(sql);
    if (known) {
      if (this.#prepared.size > preparedStatements / 2) {
        this.#prepared.delete(sql);
        this.#prepared.set(sql, known);
      }
      return known;
    }
    if (this.#prepared.size >= preparedStatements) {
      const [oldest] = this.#prepared;
      if (oldest) {
        this.#prepared.delete(oldest[0]);
        oldest[1].finalize();
      }
    }
    const statement = this.#database.prepare(sql);
    this.#prepared.set(sql, statement);
    return statement;
  }
}

/** Runs `work`; an error of SQLite's that is the world's fault becomes a ZerohopError naming the file and the remedy. */
export function refusing<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw storageError(path, error) ?? error;
  }
}

/** The ZerohopError for trouble with the disk or the file; undefined for anything else. */
export function storageError(path: string, error: unknown): ZerohopError | undefined {
  const code = error instanceof SQLiteError ? (error.code ?? '') : ((error as NodeJS.ErrnoException)?.code ?? '');
  if (code === 'SQLITE_FULL' || code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG')
    return new ZerohopError(
      'STORAGE_FULL',
      `The disk holding ${path} is full. Free some space; writes go on by themselves.`,
    );
  if (
    code.startsWith('SQLITE_READONLY') ||
    code.startsWith('SQLITE_CANTOPEN') ||
    code === 'EROFS' ||
    code === 'EACCES' ||
    code === 'EPERM'
  )
    return new ZerohopError('READ_ONLY', `${path} can not be written. Make its folder writable for this user.`);
  // A write that fails for lack of space shows as an I/O error too where the file is extended by mapping or the wal-index grows.
  if (code.startsWith('SQLITE_IOERR'))
    return new ZerohopError(
      'STORAGE_FULL',
      `The disk refused a write or read of ${path} (${code}). Check free space and the disk.`,
    );
  if (code.startsWith('SQLITE_BUSY'))
    return new ZerohopError(
      'OVERLOADED',
      `Another program has locked ${path}. Let it finish, or close it, and retry.`,
      {
        retryAfterSeconds: 1,
      },
    );
  if (code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB')
    return new ZerohopError(
      'CORRUPT_DATA',
      `${path} is damaged or not a Zerohop data file. Restore it from a backup, or move it away to start empty.`,
    );
  return undefined;
}

/** Whether an error says that a UNIQUE index refused a row; if so the names of index columns SQLite gives ("T.col"). */
export function uniqueViolation(error: unknown): string | undefined {
  if (!(error instanceof SQLiteError) || !(error.code ?? '').startsWith('SQLITE_CONSTRAINT')) return undefined;
  return /UNIQUE constraint failed: (?:index ')?([^']*)/.exec(error.message)?.[1] ?? '';
}
