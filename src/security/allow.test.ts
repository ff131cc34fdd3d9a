import { describe, expect, test } from 'bun:test';
import { administrator, allow, type Grant, identifyByAddress, isLoopback, refusal, type Standing } from './allow.ts';
import { readPermission, roleOf } from './permission.ts';
import type { Action } from './types.ts';

const editor = readPermission(
  {
    data: {
      tables: {
        Article: { read: true, insert: true, update: true, attributes: { title: { read: true, update: true } } },
        Note: { read: true, update: true, delete: true, rows: 'owner=$user' },
        Secret: { read: false },
      },
    },
  },
  'The role editor',
);
const everybody = readPermission(
  { data: { '*': { read: true }, Note: { read: true, rows: 'owner=$user' } } },
  'The role public',
);

const as: Readonly<Record<string, Standing>> = {
  editor: { superUser: false, isKnown: true, own: editor, everybody },
  'an editor where nothing is public': { superUser: false, isKnown: true, own: editor, everybody: undefined },
  everybody: { superUser: false, isKnown: false, own: undefined, everybody },
  'nobody where nothing is public': { superUser: false, isKnown: false, own: undefined, everybody: undefined },
  'a super user': { superUser: true, isKnown: true, own: undefined, everybody: undefined },
};

describe('allow', () => {
  const cases: readonly (readonly [keyof typeof as, Action, string, string])[] = [
    ['editor', 'read', 'Article', 'title'],
    ['editor', 'update', 'Article', 'title'],
    ['editor', 'insert', 'Article', 'no'],
    ['editor', 'delete', 'Article', 'no'],
    ['editor', 'read', 'Note', 'where owner=$user'],
    ['editor', 'delete', 'Note', 'where owner=$user'],
    ['editor', 'insert', 'Note', 'no'],
    ['editor', 'read', 'Secret', 'no'],
    ['editor', 'read', 'Other', 'yes'],
    ['editor', 'update', 'Other', 'no'],
    ['an editor where nothing is public', 'read', 'Other', 'no'],
    ['everybody', 'read', 'Secret', 'yes'],
    ['everybody', 'read', 'Note', 'no'],
    ['everybody', 'insert', 'Other', 'no'],
    ['nobody where nothing is public', 'read', 'Other', 'no'],
    ['a super user', 'delete', 'Secret', 'yes'],
  ];
  for (const [who, action, name, expected] of cases) {
    test(`${who}: ${action} ${name}: ${expected}`, () => {
      const standing = as[who];
      if (!standing) throw new Error('no such standing');
      expect(inWords(allow(standing, action, { database: 'data', name }))).toBe(expected);
    });
  }

  test('nobody but a super user reaches the database of the node itself', () => {
    const all = readPermission({ data: { '*': { read: true } } }, 'A role');
    const table = { database: 'system', name: 'hdb_user' };
    const standing = { superUser: false, isKnown: true, own: all, everybody: all };
    expect(allow(standing, 'read', table).allowed).toBe(false);
    expect(allow({ ...standing, superUser: true }, 'read', table).allowed).toBe(true);
  });
});

function inWords({ allowed, attributes, rows }: Grant): string {
  if (!allowed) return 'no';
  if (rows !== null) return `where ${rows}`;
  return attributes === null ? 'yes' : [...attributes].join();
}

test('without credentials the answer is 401, with them 403', () => {
  const visitor = { username: 'ann', role: roleOf('visitor'), active: true as const, superUser: false };
  expect(refusal(null, 'update', 'Product').code).toBe('UNAUTHENTICATED');
  expect(refusal(visitor, 'update', 'Product').code).toBe('FORBIDDEN');
});

describe('readPermission', () => {
  const wrong: readonly (readonly [unknown, RegExp])[] = [
    [
      { data: { tables: { Dog: { read: false, attribute_permissions: [{ attribute_name: 'name', read: true }] } } } },
      /which the table does not/,
    ],
    [{ data: { Dog: { raed: true } } }, /did you mean "read"/],
    [{ data: { Dog: { read: 'yes' } } }, /read is true or false/],
    [{ data: { Dog: { read: true, rows: 5 } } }, /rows is a query/],
    [{ super_user: 'yes' }, /super_user is true or false/],
    [{ system: { hdb_user: { read: true } } }, /belongs to the node/],
    ['all', /must name what it allows/],
    [{ operations: 'all' }, /list of names/],
  ];
  for (const [value, message] of wrong) {
    test(`refuses ${JSON.stringify(value)}`, () => expect(() => readPermission(value, 'The role')).toThrow(message));
  }
});

describe('isLoopback', () => {
  const cases: readonly (readonly [string, boolean])[] = [
    ['127.0.0.1', true],
    ['127.8.9.1', true],
    ['::1', true],
    ['::ffff:127.0.0.1', true],
    ['10.0.0.1', false],
    ['127.0.0.1.evil.example', false],
    ['::2', false],
    ['', false],
  ];
  for (const [address, expected] of cases)
    test(`${address}: ${expected}`, () => expect(isLoopback(address)).toBe(expected));
});

test('only where local calls are trusted is a loopback address the administrator', () => {
  expect(identifyByAddress('127.0.0.1', true)).toBe(administrator);
  expect(identifyByAddress('127.0.0.1', false)).toBeNull();
  expect(identifyByAddress('192.0.2.7', true)).toBeNull();
});
