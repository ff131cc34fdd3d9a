// Spans of app code, and of what the runtime does for it. Without tracing, a check for `undefined`.

import type { Span, SpanAttributes, Tracer } from '../base/index.ts';
import type { SearchResult, SearchRow, StoredRecord, Table } from '../tables/index.ts';
import { currentNodeOrNone } from './scope.ts';

const unrecorded: Span = Object.freeze({
  isRecorded: false,
  rename() {},
  set() {},
  fail() {},
  record() {},
  end() {},
});

/** Runs `work` as a span of its own within the running one, which ends with it. Without tracing, just runs it. */
export function trace<Result>(name: string, work: (span: Span) => Result): Result {
  const tracer = currentNodeOrNone()?.tracer;
  return tracer === undefined ? work(unrecorded) : tracer.run(name, {}, work);
}

/** `traceparent` and `tracestate` for a request to somebody else who takes part in the trace; nothing without tracing. */
export function traceHeaders(): Readonly<Record<string, string>> {
  return currentNodeOrNone()?.tracer?.headers() ?? {};
}

export function tracedGet(
  tracer: Tracer,
  table: Table,
  read: () => StoredRecord | undefined,
): StoredRecord | undefined {
  return tracer.run(`get ${table.definition.name}`, { kind: 'client', attributes: attributesOf(table, 'get') }, read);
}

/** The span ends when the rows have been read. */
export function tracedSearch(tracer: Tracer, table: Table, search: () => SearchResult): SearchResult {
  const span = tracer.begin(`query ${table.definition.name}`, {
    kind: 'client',
    attributes: attributesOf(table, 'query'),
  });
  try {
    const result = search();
    const { rows } = result;
    if (!Array.isArray(rows)) return { ...result, rows: { [Symbol.iterator]: () => readRows(rows, span) } };
    span.set({ 'db.response.returned_rows': rows.length });
    span.end();
    return result;
  } catch (error) {
    span.fail(error);
    span.end();
    throw error;
  }
}

function* readRows(rows: Iterable<SearchRow>, span: Span): Generator<SearchRow> {
  let count = 0;
  try {
    for (const row of rows) {
      count++;
      yield row;
    }
  } catch (error) {
    span.fail(error);
    throw error;
  } finally {
    span.set({ 'db.response.returned_rows': count });
    span.end();
  }
}

function attributesOf({ definition }: Table, operation: string): SpanAttributes {
  return {
    'db.system.name': 'sqlite',
    'db.namespace': definition.database,
    'db.collection.name': definition.name,
    'db.operation.name': operation,
  };
}
