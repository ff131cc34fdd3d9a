// What is sent: requests that are nearly right, from one seed. Nothing in them is a marker of world.ts, so that an answer that holds one
// has it from the data.

import fc from 'fast-check';
import { anyValue, operationFields } from './vocabulary.ts';

export interface FuzzRequest {
  readonly door: 'rest' | 'operations';
  /** One of the callers of world.ts. */
  readonly caller: string;
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** @param operations names of those there are */
export function requestsOf(
  seed: number,
  count: number,
  callers: readonly string[],
  operations: readonly string[],
): FuzzRequest[] {
  const caller = fc.constantFrom(...callers);
  const rest = fc.record({
    door: fc.constant('rest' as const),
    caller,
    method: fc.oneof({ arbitrary: fc.constant('GET'), weight: 6 }, fc.constantFrom(...methods)),
    target,
    headers,
    body,
  });
  const operation = fc
    .tuple(
      caller,
      fc.constantFrom(...operations),
      fc.dictionary(fc.constantFrom(...fields), value, { maxKeys: 6 }),
      table,
    )
    .map(([by, name, given, of]) => ({
      door: 'operations' as const,
      caller: by,
      method: 'POST',
      target: '/',
      headers: {},
      body: JSON.stringify({ ...given, ...of, operation: name }),
    }));
  const likely = fc.tuple(caller, likelyOperation).map(([by, given]) => ({
    door: 'operations' as const,
    caller: by,
    method: 'POST',
    target: '/',
    headers: {},
    body: JSON.stringify(given),
  }));
  const all = fc.oneof(
    { arbitrary: rest, weight: 5 },
    { arbitrary: operation, weight: 2 },
    { arbitrary: likely, weight: 2 },
  );
  return fc.sample(all, { seed, numRuns: count });
}

const methods = ['HEAD', 'PUT', 'PATCH', 'POST', 'DELETE', 'QUERY', 'OPTIONS', 'TRACE', 'COPY'];
const attributes = [
  'id',
  'name',
  'secret',
  'owner',
  'price',
  'tags',
  'note',
  'maker',
  'made',
  'made.tax',
  'made.name',
  'items',
  'items.secret',
  'tax',
  '$id',
  '_body',
  'hash',
  '*',
];
const comparators = [
  '=',
  '==',
  '=gt=',
  '=ge=',
  '=lt=',
  '=le=',
  '=ne=',
  '=ct=',
  '=sw=',
  '=ew=',
  '=in=',
  '=matches=',
  '!=',
  '=like=',
];

const attribute = fc.oneof({ arbitrary: fc.constantFrom(...attributes), weight: 9 }, fc.string({ maxLength: 8 }));
const scalar = fc.oneof(
  fc.constantFrom(
    '1',
    '2',
    'a',
    'm',
    'item',
    'acme',
    '*',
    'true',
    'null',
    '-1',
    '1e9',
    '$user',
    'number:1',
    'string:1',
    'date:x',
    '%00',
    '%',
    '%ff',
    "'",
    '"',
    '(',
  ),
  fc.string({ maxLength: 6 }).map(encodeURIComponent),
);
const condition = fc
  .tuple(attribute, fc.constantFrom(...comparators), scalar)
  .map(([name, comparator, given]) => `${encode(name)}${comparator}${given}`);
const selection = fc.array(attribute, { maxLength: 4 }).map((names) => names.map(encode).join(','));
const call = fc.oneof(
  selection.map((names) => `select(${names})`),
  selection.map((names) => `select({${names}})`),
  attribute.map((name) => `sort(-${encode(name)})`),
  fc.tuple(attribute, selection).map(([name, names]) => `select(id,${encode(name)}{${names}})`),
  fc
    .tuple(fc.integer({ min: -2, max: 9 }), fc.integer({ min: -2, max: 9 }))
    .map(([from, to]) => `limit(${from},${to})`),
  fc.tuple(condition, condition).map(([one, two]) => `(${one}|${two})`),
  fc.tuple(condition, condition).map(([one, two]) => `[${one}&${two}]`),
  selection.map((names) => `group-by(${names})`),
  fc
    .tuple(fc.constantFrom('sum', 'min', 'max', 'count', 'avg'), attribute)
    .map(([name, of]) => `${name}(${encode(of)})`),
);
const query = fc
  .array(fc.oneof({ arbitrary: condition, weight: 2 }, call, fc.string({ maxLength: 6 }).map(encode)), { maxLength: 4 })
  .map((parts) => (parts.length === 0 ? '' : `?${parts.join('&')}`));
const place = fc.constantFrom(
  'Item',
  'Maker',
  'Vault',
  'Passing',
  'Older',
  'openapi',
  'hdb_user',
  'system',
  'data',
  'item',
  '.well-known',
  'ready',
  '..',
);
const id = fc.oneof(
  { arbitrary: fc.constantFrom('', '1', '2', '3', 'new', '1/2', '../1', '%2e%2e', '*'), weight: 4 },
  fc.string({ maxLength: 6 }).map(encodeURIComponent),
);
const property = fc.oneof(
  { arbitrary: fc.constant(''), weight: 4 },
  attribute.map((name) => `.${encode(name)}`),
);
const target = fc.oneof(
  {
    arbitrary: fc.tuple(place, id, property, query).map(([path, key, of, asked]) => `/${path}/${key}${of}${asked}`),
    weight: 9,
  },
  fc.tuple(place, query).map(([path, asked]) => `/${path}${asked}`),
  fc.string({ maxLength: 20 }).map((text) => `/${encode(text)}`),
);
const headers = fc.dictionary(
  fc.constantFrom(
    'accept',
    'content-type',
    'if-match',
    'if-none-match',
    'range',
    'x-request-id',
    'origin',
    'accept-encoding',
    'cache-control',
    'prefer',
    'x-replicate-to',
  ),
  fc.constantFrom(
    '*/*',
    'application/json',
    'application/cbor',
    'application/x-msgpack',
    'text/csv',
    'multipart/form-data; boundary=x',
    '"1"',
    'W/"x"',
    '*',
    'bytes=0-3',
    'bytes=9-',
    'gzip',
    'br',
    'no-cache',
    'https://evil.example',
    '1',
    ';;;',
    '',
  ),
  { maxKeys: 3 },
);

const word = fc.oneof(
  fc.constantFrom(
    'Item',
    'Maker',
    'Vault',
    'data',
    'system',
    'hdb_user',
    'id',
    'name',
    'secret',
    '1',
    '*',
    'equals',
    'greater_than',
    'and',
  ),
  fc.string({ maxLength: 12 }),
);
const value = anyValue(word);
const body = fc.oneof(
  { arbitrary: value.map((given) => JSON.stringify(given)), weight: 3 },
  fc.record({ id: fc.constantFrom('1', '9'), name: word }).map((given) => JSON.stringify(given)),
  fc.string({ maxLength: 30 }),
  fc.constant(''),
);
const table = fc.oneof(
  fc.constantFrom('Item', 'Maker', 'Vault').map((name) => ({ table: name })),
  fc.constantFrom('hdb_user', 'hdb_role').map((name) => ({ database: 'system', table: name })),
  fc.constant({}),
);
const fields = [
  ...operationFields,
  'sql',
  'project',
  'package',
  'payload',
  'file',
  'file_path',
  'data',
  'action',
  'id',
  'job_id',
];

const column = fc.constantFrom(
  'id',
  'name',
  'secret',
  'owner',
  'price',
  'maker',
  'tax',
  '*',
  'count(*)',
  'group_concat(secret)',
  'max(secret)',
  '_body',
  'sql',
);
const relation = fc.constantFrom(
  'Item',
  'Maker',
  'Vault',
  'data.Item',
  'data.Vault',
  'system.hdb_user',
  '_log',
  'sqlite_master',
  'Item i JOIN Maker m ON i.maker = m.id',
  '(SELECT * FROM Item)',
  'json_each((SELECT _body FROM Item))',
);
const statement = fc
  .tuple(column, relation, column, fc.constantFrom('=', '>', 'LIKE', 'IN', 'GLOB'), scalar)
  .map(([what, from, of, comparator, given]) => `SELECT ${what} FROM ${from} WHERE ${of} ${comparator} '${given}'`);
const named = fc.constantFrom('Item', 'Maker', 'Vault');
/** Those that come near to being answered. */
const likelyOperation = fc.oneof(
  statement.map((sql) => ({ operation: 'sql', sql })),
  fc.record({
    operation: fc.constant('search_by_id'),
    table: named,
    ids: fc.constant(['1', '2', '3']),
    get_attributes: fc.array(attribute, { maxLength: 3 }),
  }),
  fc.record({
    operation: fc.constant('search_by_value'),
    table: named,
    attribute,
    value: scalar,
    get_attributes: fc.constant(['*']),
  }),
  fc.record({
    operation: fc.constant('search_by_conditions'),
    table: named,
    get_attributes: fc.array(attribute, { maxLength: 3 }),
    conditions: fc.array(
      fc.record({
        attribute,
        comparator: fc.constantFrom('equals', 'contains', 'starts_with', 'greater_than', 'between', 'ne'),
        value: scalar,
      }),
      { maxLength: 3 },
    ),
  }),
  fc.record({
    operation: fc.constantFrom('describe_table', 'describe_all', 'describe_database', 'user_info'),
    table: named,
  }),
  fc.record({
    operation: fc.constantFrom('insert', 'update', 'upsert'),
    table: named,
    records: fc.array(fc.record({ id: fc.constantFrom('9', '1'), name: word }), { maxLength: 2 }),
  }),
  fc.record({ operation: fc.constant('delete'), table: named, ids: fc.constant(['1', '2']) }),
);

/** What a request line can carry. */
function encode(text: string): string {
  return text.replace(/[^\x21-\x7e]|#/g, (letter) => encodeURIComponent(letter.isWellFormed() ? letter : '?'));
}
