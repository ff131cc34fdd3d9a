// What clients do to a node, by chance: whole writes, patches, counting, deletions, transactions of several records, records that expire,
// values that must be unique. Few records, so that nodes meet.

import type { Change } from '../../src/store/index.ts';
import type { Random } from './random.ts';

export const sdl = `
type Item @table { id: ID @primaryKey  a: String @indexed  b: String  n: Int  m: Int }
type Tally @table { id: ID @primaryKey  sum: Int }
type Group @table { id: ID @primaryKey  token: String }
type Session @table(expiration: 60) { id: ID @primaryKey  owner: String  seen: Int }
type Coupon @table { id: ID @primaryKey  code: String @unique }
`;

/** Tally records are made before anything else and only ever counted. */
export const tallies = ['t0', 't1'] as const;
export const groupSize = 3;

export function randomChanges(random: Random, nowMs: number, token: string): Change[] {
  const kind = random.next();
  if (kind < 0.45) return [itemChange(random, token)];
  if (kind < 0.65) return [countChange(random)];
  if (kind < 0.78) return groupChanges(random, token);
  if (kind < 0.94) return [sessionChange(random, nowMs)];
  return [couponChange(random)];
}

function itemChange(random: Random, token: string): Change {
  const id = `i${random.between(0, 7)}`;
  const kind = random.next();
  if (kind < 0.35) return put('Item', id, { a: token, b: token, n: random.between(0, 9), m: 0 });
  if (kind < 0.5) return { op: 'delete', table: 'Item', id };
  const set = { ...(random.chance(0.5) && { a: token }), ...(random.chance(0.3) && { b: token, extra: token }) };
  const add = { ...(random.chance(0.6) && { n: random.between(-3, 3) }), ...(random.chance(0.3) && { m: 1 }) };
  return { op: 'patch', table: 'Item', id, patch: { set, add } };
}

function countChange(random: Random): Change {
  const patch = { set: {}, add: { sum: random.between(-5, 9) } };
  return { op: 'patch', table: 'Tally', id: random.pick(tallies), patch };
}

/** Always all records of a group, with one token. */
function groupChanges(random: Random, token: string): Change[] {
  const group = random.between(0, 2);
  return Array.from({ length: groupSize }, (_, member) => put('Group', `g${group}-${member}`, { token }));
}

function sessionChange(random: Random, nowMs: number): Change {
  const id = `s${random.between(0, 5)}`;
  const expires = nowMs + random.between(100, 8_000);
  const kind = random.next();
  if (kind < 0.5) return put('Session', id, { owner: 'o', seen: 0 }, random.chance(0.15) ? null : expires);
  if (kind < 0.6) return { op: 'delete', table: 'Session', id };
  const patch = { set: random.chance(0.3) ? { owner: `p${random.between(0, 9)}` } : {}, add: { seen: 1 } };
  return { op: 'patch', table: 'Session', id, patch, ...(random.chance(0.6) && { expires }) };
}

function couponChange(random: Random): Change {
  const id = `c${random.between(0, 5)}`;
  if (random.chance(0.25)) return { op: 'delete', table: 'Coupon', id };
  return put('Coupon', id, { code: `code${random.between(0, 3)}` });
}

export function put(table: string, id: string, record: object, expires: number | null = null): Change {
  return { op: 'put', table, id, body: JSON.stringify({ id, ...record }), expires };
}
