// Rows of one statement, one by one. A walk keeps its connection's snapshot open, and SQLite refuses or breaks some work beside one; so the
// connection can have all its walks read the rest at once (`settle`), or end.

import type { Statement } from 'bun:sqlite';
import type { SqlValue } from './encode.ts';

export class Walk {
  readonly #statement: Statement;
  readonly #rows: Iterator<unknown>;
  /** What was read ahead, once settled. */
  #ahead: Iterator<SqlValue[]> | undefined;
  #refusal: Error | undefined;

  constructor(statement: Statement, parameters: readonly SqlValue[]) {
    this.#statement = statement;
    this.#rows = statement.iterate(...parameters);
  }

  /** Undefined after the last row. */
  next(): SqlValue[] | undefined {
    if (this.#refusal) throw this.#refusal;
    if (this.#ahead) return this.#ahead.next().value;
    const { value, done } = this.#rows.next();
    return done ? undefined : Object.values(value as Record<string, SqlValue>);
  }

  /** Reads the remaining rows into memory. */
  settle(): void {
    if (this.#ahead || this.#refusal) return;
    const rows: SqlValue[][] = [];
    for (let row = this.next(); row; row = this.next()) rows.push(row);
    this.#ahead = rows.values();
    this.#statement.finalize();
  }

  /** @param refusal what is thrown when somebody goes on */
  end(refusal: Error): void {
    this.#refusal ??= refusal;
    this.#ahead = undefined;
    this.#statement.finalize();
  }
}
