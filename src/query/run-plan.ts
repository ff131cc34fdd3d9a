// A plan at work: rows out, lazily; and its explanation.

import { assert, type JsonObject } from '../base/index.ts';
import { type Id, tagFields } from '../records/index.ts';
import type { SqlValue } from '../storage/index.ts';
import { encodeCursor } from './cursor.ts';
import type { SqlReader } from './layout.ts';
import type { Plan, Statement } from './plan.ts';
import { type ComputeAttribute, idOf } from './projection.ts';
import { projectRows } from './related.ts';
import type { Watch } from './watch.ts';

/** `json` is the text to send: the stored body or the projection. */
export interface QueryRow {
  readonly id: Id;
  readonly version: number;
  /** See `tagOf`. */
  readonly tag?: number;
  /** Ms since 1970, or null. */
  readonly expires: number | null;
  readonly json: string;
}

export interface QueryResult {
  /** May be walked once. */
  readonly rows: Iterable<QueryRow>;
  readonly total?: number;
  readonly nextCursor: () => string | null;
  readonly newestVersion: () => number;
}

/** Rows of a limited query are read at once up to here; longer ones flow, in chunks that share the fetches of related records. */
const chunkRows = 256;

export interface RunOptions {
  /** Needed when computed attributes that are not indexed are selected. */
  readonly compute?: ComputeAttribute;
  /** Told what the rows depend on, once they have all been walked; null: it can't be followed. */
  readonly watched?: (watch: Watch | null) => void;
}

export function runPlan(plan: Plan, reader: SqlReader, options: RunOptions = {}): QueryResult {
  const state: WalkState = { newest: 0, next: null };
  const total = plan.total ? Number(reader.all(plan.total.sql, plan.total.parameters)[0]?.[0] ?? 0) : undefined;
  return {
    rows: options.watched ? walkWatched(plan, reader, options, state) : walk(plan, reader, options, state),
    ...(total !== undefined && { total }),
    nextCursor: () => state.next,
    newestVersion: () => state.newest,
  };
}

interface WalkState {
  newest: number;
  next: string | null;
}

type Row = readonly SqlValue[];

function* walkWatched(plan: Plan, reader: SqlReader, options: RunOptions, state: WalkState): Generator<QueryRow> {
  const members = new Set<SqlValue>();
  yield* walk(plan, reader, options, state, members);
  const { watch: test, table } = plan;
  options.watched?.(test && { table, members, test });
}

function* walk(
  plan: Plan,
  reader: SqlReader,
  { compute, watched }: RunOptions,
  state: WalkState,
  members?: Set<SqlValue>,
): Generator<QueryRow> {
  const run = { reader, nowMs: plan.nowMs, compute, watched };
  for (const chunk of chunks(plan, reader, state)) {
    const texts = plan.projection ? projectRows(plan.projection, chunk, run) : null;
    for (let i = 0; i < chunk.length; i++) {
      const row = chunk[i];
      if (!row) break;
      members?.add(row[0] ?? null);
      const version = Number(row[1]);
      if (version > state.newest) state.newest = version;
      const expires = typeof row[3] === 'number' ? row[3] : null;
      const json = texts === null ? String(row[2]) : (texts[i] ?? 'null');
      const found = { id: idOf(row[0]), version, expires, json };
      yield row[4] === null ? found : { ...found, ...tagFields(version, row[4]) };
    }
  }
}

/** Rows of all statements up to the limit. Sets the next cursor when one row more is there. */
function* chunks(plan: Plan, reader: SqlReader, state: WalkState): Generator<readonly Row[]> {
  const { limit, paging } = plan;
  let left = limit ?? Number.POSITIVE_INFINITY;
  let last: Row | undefined;
  for (const statement of plan.statements) {
    const ahead = paging && limit !== null ? left + 1 : left;
    for (const rows of statementChunks(statement, ahead, reader)) {
      const wanted = rows.length > left ? rows.slice(0, left) : rows;
      left -= wanted.length;
      last = wanted[wanted.length - 1] ?? last;
      if (wanted.length < rows.length) {
        assert(paging, 'only a cursor reads ahead');
        const values = last?.slice(paging.firstColumn, paging.firstColumn + paging.terms);
        if (values) state.next = encodeCursor(paging.order, values);
      }
      if (wanted.length > 0) yield wanted;
    }
    if (state.next !== null || (left === 0 && !paging)) return;
  }
}

function* statementChunks(statement: Statement, limit: number, reader: SqlReader): Generator<readonly Row[]> {
  const parameters = Number.isFinite(limit) ? statement.parameters.with(-1, limit) : statement.parameters;
  if (limit <= chunkRows) {
    yield reader.all(statement.sql, parameters);
    return;
  }
  let chunk: Row[] = [];
  for (const row of reader.iterate(statement.sql, parameters)) {
    chunk.push(row);
    if (chunk.length < chunkRows) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}

/** What a plan does, for people: conditions in the order they are met, SQL, and SQLite's own account of it. */
export function explainPlan(plan: Plan, reader: SqlReader): JsonObject {
  return {
    ...plan.explanation,
    statements: plan.statements.map(({ sql, parameters }) => ({
      sql,
      parameters: parameters.map((value) =>
        value instanceof Uint8Array ? `x'${Buffer.from(value).toString('hex')}'` : value,
      ),
      steps: reader.all(`EXPLAIN QUERY PLAN ${sql}`, parameters).map((row) => String(row[3])),
    })),
  };
}
