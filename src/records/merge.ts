// Versions of one record from different nodes → one version, the same on every node whatever the order they arrive in.
// Pure. `mergeRecord` is commutative, associative and idempotent.
//
//   whole write      the later stamp wins (version, then the larger origin); a deletion is a whole write of nothing
//   patch            each attribute is a register of its own: the later of the whole write and the patches to it wins
//   addTo            counts from the value the attribute had (`base`); the later base wins, and for one base each origin's
//                    larger count. The value is start + all sums. Additions to a value that was replaced meanwhile go with it
//   expires          a register like an attribute
//
// What travels is always the state after a change, whole: a node that gets a patched record has all of it, so nothing ever
// waits for the write a patch was made on. A deletion sticks: patches do not bring a record back, only a later whole write does.
// Patches newer than the deletion stay in the tombstone, out of sight, because a whole write between the two may still arrive
// and they apply to that.

import { assert, type Json, type JsonObject, ZerohopError } from '../base/index.ts';
import type { Counter, MergeState, Patch, RecordState, Stamp } from './types.ts';

/** The whole write of a record that was never written whole. Before every other. */
const never: Stamp = { version: 0, origin: '' };

/** Negative when `a` is before `b`. */
export function compareStamps(a: Stamp, b: Stamp): number {
  if (a.version !== b.version) return a.version - b.version;
  return a.origin < b.origin ? -1 : a.origin > b.origin ? 1 : 0;
}

/** The least version that knows all that `a` and `b` know. Its stamp is the greater of theirs. */
export function mergeRecord(a: RecordState | undefined, b: RecordState): RecordState {
  if (a === undefined) return b;
  const order = compareStamps(a.stamp, b.stamp);
  // A whole write as late as everything in the other version leaves nothing of it.
  if (b.merge === null && order <= 0) return b;
  if (a.merge === null && order >= 0) return a;
  const first = open(a);
  const second = open(b);
  const winner = compareStamps(first.whole, second.whole) >= 0 ? first : second;
  const loser = winner === first ? second : first;
  const entries = new Map<string, Entry>();
  for (const name of new Set([...winner.entries.keys(), ...loser.entries.keys()])) {
    const entry = later(valid(winner.entries.get(name), winner.whole), valid(loser.entries.get(name), winner.whole));
    if (entry) entries.set(name, entry);
  }
  const expiry = laterExpiry(winner, loser);
  return close({ ...winner, entries, expiry, stamp: order >= 0 ? a.stamp : b.stamp }, winner.entries);
}

/** A whole write. */
export function applyPut(
  current: RecordState | undefined,
  body: JsonObject,
  expires: number | null,
  stamp: Stamp,
): RecordState {
  return replace(current, { stamp, expires, merge: null, body });
}

/** A deletion. */
export function applyDelete(current: RecordState | undefined, stamp: Stamp): RecordState {
  return replace(current, { stamp, expires: null, merge: null, body: null });
}

/**
 * A patch by the node of `stamp`, which is not before any stamp of `current`.
 * @param expires undefined: keep what the record has
 */
export function applyPatch(
  current: RecordState | undefined,
  patch: Patch,
  stamp: Stamp,
  expires?: number | null,
): RecordState {
  const state = open(current ?? { stamp: never, expires: null, merge: null, body: {} });
  assert(compareStamps(stamp, state.stamp) >= 0, 'a local change is not before the version it is made on');
  // In the transaction of the whole write itself, a patch is part of that write.
  const isWhole = compareStamps(stamp, state.whole) === 0;
  if (isWhole && state.body === null) return close(state, state.entries);
  const body = state.body === null ? null : { ...state.body };
  const entries = new Map(state.entries);
  for (const [name, value] of Object.entries(patch.set)) {
    if (isWhole && body) body[name] = value;
    else entries.set(name, { base: stamp, value, counter: null, added: isAdded(name, state) });
  }
  for (const [name, amount] of Object.entries(patch.add)) {
    const entry = entries.get(name);
    const base = entry?.base ?? state.whole;
    const value = entry ? entry.value : body && Object.hasOwn(body, name) ? body[name] : undefined;
    const sum = summand(name, value) + amount;
    if (compareStamps(base, stamp) === 0) {
      if (entry) entries.set(name, { ...entry, value: sum });
      else if (body) body[name] = sum;
    } else if (entry || body) {
      const counter = count(entry?.counter ?? { base, start: summand(name, value), origins: {} }, stamp.origin, amount);
      entries.set(name, { base, value: total(counter), counter, added: isAdded(name, state) });
    }
  }
  const expiry =
    expires === undefined
      ? { value: state.expiry.value, stamp: state.expiry.stamp }
      : { value: expires, stamp: isWhole ? null : stamp };
  return close({ ...state, body, entries, expiry, stamp }, state.entries);
}

/** A record version taken apart. */
interface Open {
  readonly stamp: Stamp;
  readonly whole: Stamp;
  /** Null: the whole write is a deletion. */
  readonly body: JsonObject | null;
  /** What patches set after the whole write, by attribute. */
  readonly entries: ReadonlyMap<string, Entry>;
  /** `stamp` null: it came with the whole write. */
  readonly expiry: { readonly value: number | null; readonly stamp: Stamp | null };
}

interface Entry {
  /** When the value was set; for a counter, when the value it counts from was. */
  readonly base: Stamp;
  readonly value: Json;
  readonly counter: Counter | null;
  /** The whole write has no such attribute. */
  readonly added: boolean;
}

function open({ stamp, expires, merge, body }: RecordState): Open {
  if (merge === null) {
    return { stamp, whole: stamp, body, entries: new Map(), expiry: { value: expires, stamp: null } };
  }
  const values = body ?? merge.hidden?.values ?? {};
  const added = new Set(merge.added);
  const entries = new Map<string, Entry>();
  for (const [name, base] of Object.entries(merge.attributes)) {
    entries.set(name, { base, value: values[name] ?? null, counter: null, added: added.has(name) });
  }
  for (const [name, counter] of Object.entries(merge.counters)) {
    entries.set(name, { base: counter.base, value: values[name] ?? null, counter, added: added.has(name) });
  }
  const expiry = { value: body ? expires : (merge.hidden?.expires ?? null), stamp: merge.expires ?? null };
  return { stamp, whole: merge.whole, body, entries, expiry };
}

/**
 * Puts a version together in the one form that equal versions have: attributes of the whole write in their order, then added ones by name.
 * @param before the entries `state.body` was opened with
 */
function close(state: Open, before: ReadonlyMap<string, Entry>): RecordState {
  const { stamp, whole, expiry } = state;
  const names = [...state.entries.keys()].sort();
  const added = names.filter((name) => isAdded(name, { body: state.body, entries: before }));
  const values = added.map((name) => [name, state.entries.get(name)?.value ?? null] as const);
  const body = state.body && {
    ...Object.fromEntries(
      Object.entries(state.body).flatMap(([name, value]) => {
        if (before.get(name)?.added) return [];
        const entry = state.entries.get(name);
        return [[name, entry ? entry.value : value] as const];
      }),
    ),
    ...Object.fromEntries(values),
  };
  const isWhole = names.length === 0 && expiry.stamp === null && compareStamps(stamp, whole) === 0;
  const hides = body === null && (values.length > 0 || expiry.stamp !== null);
  const merge: MergeState = {
    whole,
    attributes: pick(state.entries, names, (entry) => (entry.counter ? undefined : entry.base)),
    counters: pick(state.entries, names, (entry) => entry.counter ?? undefined),
    ...(added.length > 0 && { added }),
    ...(expiry.stamp && { expires: expiry.stamp }),
    ...(hides && { hidden: { values: Object.fromEntries(values), expires: expiry.value } }),
  };
  return { stamp, expires: body ? expiry.value : null, merge: isWhole ? null : merge, body };
}

function pick<T>(
  entries: ReadonlyMap<string, Entry>,
  names: readonly string[],
  of: (entry: Entry) => T | undefined,
): Record<string, T> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const entry = entries.get(name);
      const value = entry && of(entry);
      return value === undefined ? [] : [[name, value] as const];
    }),
  );
}

/** Whether an attribute that a patch sets is none of the whole write's. */
function isAdded(name: string, { body, entries }: Pick<Open, 'body' | 'entries'>): boolean {
  if (body === null || !Object.hasOwn(body, name)) return true;
  return entries.get(name)?.added ?? false;
}

/** What is left of an entry beside a whole write: one set later, or counted from that write's own value. */
function valid(entry: Entry | undefined, whole: Stamp): Entry | undefined {
  if (!entry) return undefined;
  const order = compareStamps(entry.base, whole);
  return order > 0 || (order === 0 && entry.counter) ? entry : undefined;
}

function later(a: Entry | undefined, b: Entry | undefined): Entry | undefined {
  if (!a || !b) return a ?? b;
  const order = compareStamps(a.base, b.base);
  if (order !== 0) return order > 0 ? a : b;
  // One value, counted on here, there or on both sides.
  if (!a.counter || !b.counter) return a.counter ? a : b;
  const counter = mergeCounters(a.counter, b.counter);
  return { ...a, counter, value: total(counter) };
}

function laterExpiry(winner: Open, loser: Open): Open['expiry'] {
  const { stamp } = loser.expiry;
  if (stamp && compareStamps(stamp, winner.expiry.stamp ?? winner.whole) > 0) return loser.expiry;
  return winner.expiry;
}

function replace(current: RecordState | undefined, next: RecordState): RecordState {
  assert(
    !current || compareStamps(next.stamp, current.stamp) >= 0,
    'a local change is not before the version it replaces',
  );
  return next;
}

function summand(name: string, value: Json | bigint | undefined): number {
  if (value === undefined || value === null) return 0;
  if (typeof value === 'number') return value;
  throw new ZerohopError(
    'VALIDATION_FAILED',
    `"${name}" is not a number in this record, so nothing can be added to it.`,
    {
      attribute: name,
    },
  );
}

function count(counter: Counter, origin: string, amount: number): Counter {
  const own = Object.hasOwn(counter.origins, origin) ? counter.origins[origin] : undefined;
  const counted = { count: (own?.count ?? 0) + 1, sum: (own?.sum ?? 0) + amount };
  return withOrigins(counter, new Map([...Object.entries(counter.origins), [origin, counted]]));
}

function mergeCounters(a: Counter, b: Counter): Counter {
  const origins = new Map(Object.entries(a.origins));
  for (const [origin, theirs] of Object.entries(b.origins)) {
    const ours = origins.get(origin);
    if (!ours || theirs.count > ours.count) origins.set(origin, theirs);
  }
  return withOrigins(a, origins);
}

function withOrigins(counter: Counter, origins: ReadonlyMap<string, Counter['origins'][string]>): Counter {
  return { ...counter, origins: Object.fromEntries([...origins].sort(([a], [b]) => (a < b ? -1 : 1))) };
}

/** The sums are added in the order of the origins on every node, because sums of floats depend on it. */
function total(counter: Counter): number {
  return Object.values(counter.origins).reduce((sum, origin) => sum + origin.sum, counter.start);
}
