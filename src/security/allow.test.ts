import { describe, expect, test } from 'bun:test';
import { administrator, allow, demand, identifyByAddress, isLoopback } from './allow.ts';
import type { Action, Subject, User } from './types.ts';

const table: Subject = { name: 'Product', table: { database: 'data', name: 'Product' }, appDefined: false };
const overridden: Subject = { ...table, appDefined: true };
const endpoint: Subject = { name: 'Checkout', appDefined: true };
const bare: Subject = { name: 'Checkout', appDefined: false };
const visitor: User = { username: 'ann', role: 'visitor', superUser: false };

describe('allow', () => {
  const cases: readonly (readonly [string, User | null, Action, Subject, boolean])[] = [
    ['the public reads a table', null, 'read', table, true],
    ['the public inserts into a table', null, 'insert', table, false],
    ['the public updates a table', null, 'update', table, false],
    ['the public deletes from a table', null, 'delete', table, false],
    ['the public calls app code', null, 'insert', endpoint, true],
    ['the public calls a verb the app wrote on a table', null, 'update', overridden, true],
    ['the public reads what nobody wrote', null, 'read', bare, false],
    ['a user without rights updates a table', visitor, 'update', table, false],
    ['the administrator deletes from a table', administrator, 'delete', table, true],
    ['the administrator reads what nobody wrote', administrator, 'read', bare, true],
  ];
  for (const [name, user, action, subject, expected] of cases) {
    test(`${name}: ${expected ? 'yes' : 'no'}`, () => expect(allow(user, action, subject)).toBe(expected));
  }
});

test('without credentials the answer is 401, with them 403', () => {
  expect(() => demand(null, 'update', table)).toThrow(expect.objectContaining({ code: 'UNAUTHENTICATED' }));
  expect(() => demand(visitor, 'update', table)).toThrow(expect.objectContaining({ code: 'FORBIDDEN' }));
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
