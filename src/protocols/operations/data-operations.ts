// Operations on records: lists of them written in one transaction each, and searches, whose answers are streamed.

import { ZerohopError } from '../../base/index.ts';
import { type AppNode, deleteRecords, type ListAction, searchRecords, writeRecords } from '../../resources/index.ts';
import type { User } from '../../security/index.ts';
import type { Table } from '../../tables/index.ts';
import { type Body, firstOf, isObject, list, optionalCount, optionalText, text } from './fields.ts';
import { tableNamed } from './table-named.ts';
import type { Operation, OperationCall } from './types.ts';

/** How deep conditions may be nested. */
const conditionsDepth = 32;
/** Bytes of a search's answer that are made at once, about. */
const chunkBytes = 65_536;

const hashesOf: Readonly<Record<ListAction, string>> = {
  insert: 'inserted_hashes',
  update: 'update_hashes',
  upsert: 'upserted_hashes',
};
const verbOf: Readonly<Record<ListAction, string>> = { insert: 'inserted', update: 'updated', upsert: 'upserted' };

export function dataOperations(node: AppNode): Operation[] {
  const write = (name: ListAction): Operation => ({
    name,
    access: 'user',
    async run({ body, user }) {
      const table = tableNamed(node.databases, body);
      const records = list(body, 'records');
      const { done, skipped } = await writeRecords({ node, table, user }, name, records);
      return {
        message: `${verbOf[name]} ${done.length} of ${records.length} records`,
        [hashesOf[name]]: done,
        ...(name !== 'upsert' && { skipped_hashes: skipped }),
      };
    },
  });
  const search = (name: SearchName): Operation => ({
    name,
    access: 'user',
    run: async ({ body, user }) => asJsonArray(searchTexts(node, name, body, user)),
  });
  const remove = async ({ body, user }: OperationCall): Promise<unknown> => {
    const table = tableNamed(node.databases, body);
    const ids = idsOf(body, table);
    const { done, skipped } = await deleteRecords({ node, table, user }, ids);
    return {
      message: `${done.length} of ${ids.length} record${ids.length === 1 ? '' : 's'} successfully deleted`,
      deleted_hashes: done,
      skipped_hashes: skipped,
    };
  };
  return [
    write('insert'),
    write('update'),
    write('upsert'),
    { name: 'delete', access: 'user', run: remove },
    ...searchNames.map(search),
  ];
}

export const searchNames = ['search_by_id', 'search_by_hash', 'search_by_value', 'search_by_conditions'] as const;
export type SearchName = (typeof searchNames)[number];

const queriesOf: Readonly<Record<SearchName, (body: Body, table: Table) => object>> = {
  search_by_id: byIds,
  search_by_hash: byIds,
  search_by_value: byValue,
  search_by_conditions: byConditions,
};

/** Each record that a search finds, as JSON text. */
export function searchTexts(node: AppNode, name: SearchName, body: Body, user: User | null): Iterable<string> {
  const table = tableNamed(node.databases, body);
  const query = { ...queriesOf[name](body, table), ...selectOf(body), ...(user?.superUser && { allowFullScan: true }) };
  return searchRecords({ node, table, user }, query);
}

function idsOf(body: Body, { definition }: Table): (string | number)[] {
  return list(body, 'ids', 'hash_values').map((id) => {
    if (typeof id === 'string' || typeof id === 'number') return id;
    throw new ZerohopError('INVALID_ID', `Ids of ${definition.name} are texts or numbers, not ${JSON.stringify(id)}.`);
  });
}

function byIds(body: Body, table: Table): object {
  return {
    conditions: [{ attribute: table.definition.primaryKey, comparator: 'in', value: idsOf(body, table) }],
  };
}

function byValue(body: Body): object {
  const attribute = text(body, 'attribute', 'search_attribute');
  const value = firstOf(body, ['value', 'search_value']);
  if (value === undefined) throw new ZerohopError('INVALID_REQUEST', `${String(body.operation)} needs "value".`);
  return { ...pageOf(body), ...(value !== '*' && { conditions: [{ attribute, ...withWildcards(value) }] }) };
}

/** `*` at the beginning or end of a text stands for any text. */
function withWildcards(value: unknown): { readonly comparator: string; readonly value: unknown } {
  if (typeof value !== 'string' || value.length < 2) return { comparator: 'equals', value };
  const [begins, ends] = [value.startsWith('*'), value.endsWith('*')];
  if (begins && ends) return { comparator: 'contains', value: value.slice(1, -1) };
  if (begins) return { comparator: 'ends_with', value: value.slice(1) };
  if (ends) return { comparator: 'starts_with', value: value.slice(0, -1) };
  return { comparator: 'equals', value };
}

function byConditions(body: Body): object {
  const conditions = body.conditions === undefined ? [] : list(body, 'conditions').map((one) => conditionOf(one, 0));
  const operator = optionalText(body, 'operator');
  return {
    ...pageOf(body),
    ...(conditions.length > 0 && { conditions }),
    ...(operator !== undefined && { operator }),
    ...(body.sort !== undefined && body.sort !== null && { sort: sortOf(body.sort, 0) }),
  };
}

function conditionOf(given: unknown, depth: number): object {
  if (!isObject(given))
    throw new ZerohopError('INVALID_QUERY', 'A condition is an object: {"attribute", "comparator", "value"}.');
  if (depth >= conditionsDepth)
    throw new ZerohopError('INVALID_QUERY', `Conditions may be nested ${conditionsDepth} deep at most.`);
  if (Array.isArray(given.conditions))
    return { ...given, conditions: given.conditions.map((one) => conditionOf(one, depth + 1)) };
  const comparator = firstOf(given, ['comparator', 'search_type']) ?? 'equals';
  return {
    attribute: firstOf(given, ['attribute', 'search_attribute']),
    comparator,
    value: firstOf(given, ['value', 'search_value']),
  };
}

/** The keys as they come; the query reads them. */
function sortOf(given: unknown, depth: number): unknown {
  if (!isObject(given) || depth >= conditionsDepth)
    throw new ZerohopError('INVALID_QUERY', '"sort" is an object: {"attribute", "descending", "next"}.');
  const { next, ...key } = given;
  return next === undefined || next === null ? key : { ...key, next: sortOf(next, depth + 1) };
}

function pageOf(body: Body): object {
  const [limit, offset] = [optionalCount(body, 'limit'), optionalCount(body, 'offset')];
  return { ...(limit !== undefined && { limit }), ...(offset !== undefined && offset > 0 && { offset }) };
}

function selectOf(body: Body): object {
  const names = body.get_attributes ?? body.attributes;
  if (names === undefined || names === null || names === '*') return {};
  if (!Array.isArray(names) || names.length === 0)
    throw new ZerohopError('INVALID_REQUEST', '"get_attributes" is a list of names, or ["*"].');
  return names.includes('*') ? {} : { select: names };
}

/** A walk's texts as a JSON array, made as it is read. The first rows are made at once, so that errors of the query are an answer. */
export function asJsonArray(rows: Iterable<string>): Response {
  const iterator = rows[Symbol.iterator]();
  const encoder = new TextEncoder();
  let isFirst = true;
  const nextChunk = (): { readonly chunk: string; readonly ended: boolean } => {
    let chunk = isFirst ? '[' : '';
    while (chunk.length < chunkBytes) {
      const { done, value } = iterator.next();
      if (done) return { chunk: `${chunk}]`, ended: true };
      chunk += isFirst ? value : `,${value}`;
      isFirst = false;
    }
    return { chunk, ended: false };
  };
  const headers = { 'content-type': 'application/json' };
  const first = nextChunk();
  if (first.ended) return new Response(first.chunk, { headers });
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(encoder.encode(first.chunk)),
    pull(controller) {
      const { chunk, ended } = nextChunk();
      controller.enqueue(encoder.encode(chunk));
      if (ended) controller.close();
    },
    cancel: () => void iterator.return?.(),
  });
  return new Response(body, { headers });
}
