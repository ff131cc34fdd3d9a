import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import type { Json, JsonObject } from '../base/index.ts';
import { applyDelete, applyPatch, applyPut, compareStamps, mergeRecord } from './merge.ts';
import { mergeFromText, mergeToText } from './merge-text.ts';
import { tagOfRow } from './tag.ts';
import type { RecordState, Stamp } from './types.ts';

const at = (version: number, origin = 'a'): Stamp => ({ version, origin });
const put = (body: JsonObject, stamp: Stamp, expires: number | null = null) =>
  applyPut(undefined, body, expires, stamp);
const set = (state: RecordState | undefined, values: JsonObject, stamp: Stamp) =>
  applyPatch(state, { set: values, add: {} }, stamp);
const add = (state: RecordState | undefined, amounts: Record<string, number>, stamp: Stamp) =>
  applyPatch(state, { set: {}, add: amounts }, stamp);

/** Merges in every order and both ways round; all must agree. */
function merged(...states: RecordState[]): RecordState {
  const [first, ...rest] = states;
  if (!first) throw new Error('nothing to merge');
  const result = rest.reduce(mergeRecord, first);
  const reverse = [...rest].reverse().reduce((state, next) => mergeRecord(next, state), rest.at(-1) ?? first);
  expect(mergeRecord(reverse, first)).toEqual(result);
  return result;
}

describe('whole writes', () => {
  test('the later one wins, ties go to the larger origin', () => {
    expect(merged(put({ n: 1 }, at(1)), put({ n: 2 }, at(2))).body).toEqual({ n: 2 });
    expect(merged(put({ n: 1 }, at(1, 'b')), put({ n: 2 }, at(1, 'a'))).body).toEqual({ n: 1 });
  });

  test('a later deletion wins and a later write recreates', () => {
    const before = put({ n: 1 }, at(1));
    expect(merged(before, applyDelete(before, at(2))).body).toBeNull();
    expect(merged(put({ n: 3 }, at(3)), applyDelete(before, at(2))).body).toEqual({ n: 3 });
  });

  test('expiry comes with the write that wins', () => {
    expect(merged(put({ n: 1 }, at(1), 500), put({ n: 2 }, at(2), null)).expires).toBeNull();
    expect(merged(put({ n: 1 }, at(3), 500), put({ n: 2 }, at(2), null)).expires).toBe(500);
  });
});

describe('patches', () => {
  const base = put({ id: 'x', name: 'pen', price: 1, stock: 10 }, at(1));

  test('to different attributes both survive', () => {
    const result = merged(set(base, { price: 2 }, at(2, 'a')), set(base, { name: 'quill' }, at(2, 'b')));
    expect(result.body).toEqual({ id: 'x', name: 'quill', price: 2, stock: 10 });
    expect(result.stamp).toEqual(at(2, 'b'));
  });

  test('to one attribute: the later wins', () => {
    expect(merged(set(base, { price: 2 }, at(3, 'a')), set(base, { price: 3 }, at(2, 'b'))).body?.price).toBe(2);
  });

  test('newer than a whole write they do not know apply to it; older ones do not', () => {
    const patched = set(base, { price: 2 }, at(5));
    expect(merged(patched, put({ id: 'x', price: 7, size: 1 }, at(3, 'b'))).body).toEqual({
      id: 'x',
      price: 2,
      size: 1,
    });
    expect(merged(patched, put({ id: 'x', price: 7 }, at(6, 'b'))).body).toEqual({ id: 'x', price: 7 });
  });

  test('do not resurrect a deleted record, but apply to a write that follows the deletion', () => {
    const patched = set(base, { price: 2 }, at(9, 'b'));
    const deleted = merged(patched, applyDelete(base, at(3)));
    expect(deleted.body).toBeNull();
    expect(deleted.stamp).toEqual(at(9, 'b'));
    expect(merged(deleted, put({ id: 'x', price: 5 }, at(10))).body).toEqual({ id: 'x', price: 5 });
    expect(merged(deleted, put({ id: 'x', price: 5 }, at(5))).body).toEqual({ id: 'x', price: 2 });
  });

  test('may arrive before the whole write', () => {
    const early = set(undefined, { price: 2 }, at(4, 'b'));
    expect(early.body).toEqual({ price: 2 });
    expect(merged(early, base).body).toEqual({ id: 'x', name: 'pen', price: 2, stock: 10 });
  });

  test('keep the order of the whole write; what they add stands at the end, by name', () => {
    const result = merged(set(base, { z: 1, name: 'q' }, at(2, 'a')), set(base, { b: 1 }, at(2, 'b')));
    expect(JSON.stringify(result.body)).toBe('{"id":"x","name":"q","price":1,"stock":10,"b":1,"z":1}');
  });

  test('in the transaction of the whole write are part of it', () => {
    const state = add(set(base, { price: 5, extra: 1 }, at(1)), { stock: -3, price: 1 }, at(1));
    expect(state).toEqual(put({ id: 'x', name: 'pen', price: 6, stock: 7, extra: 1 }, at(1)));
    expect(set(applyDelete(base, at(2)), { price: 1 }, at(2))).toEqual(applyDelete(base, at(2)));
  });

  test('set the expiry like an attribute', () => {
    const expiring = put({ id: 'x' }, at(1), 100);
    const none = { set: {}, add: {} };
    const longer = applyPatch(expiring, none, at(3, 'b'), 900);
    const other = set(expiring, { n: 1 }, at(4));
    expect(merged(longer, other)).toMatchObject({ expires: 900, body: { id: 'x', n: 1 } });
    expect(merged(longer, applyPatch(expiring, none, at(4), null)).expires).toBeNull();
    expect(merged(longer, put({ id: 'x' }, at(2), 50)).expires).toBe(900);
    expect(merged(longer, put({ id: 'x' }, at(5), 50)).expires).toBe(50);
  });

  test('to names of JS objects are names like any other', () => {
    const state = add(set(base, { constructor: 1 }, at(2)), { toString: 2 }, at(3));
    expect(merged(state, set(base, { valueOf: 3 }, at(2, 'b'))).body).toMatchObject({
      constructor: 1,
      toString: 2,
      valueOf: 3,
    });
  });
});

describe('counters', () => {
  const base = put({ id: 'x', stock: 10 }, at(1));

  test('concurrent additions sum', () => {
    const left = add(add(base, { stock: -1 }, at(2)), { stock: -2 }, at(3));
    const right = add(base, { stock: -4 }, at(2, 'b'));
    expect(merged(left, right, base, left).body).toEqual({ id: 'x', stock: 3 });
  });

  test('to an attribute nobody set count from 0', () => {
    expect(merged(add(base, { sold: 1 }, at(2)), add(base, { sold: 2 }, at(2, 'b'))).body).toEqual({
      id: 'x',
      stock: 10,
      sold: 3,
    });
  });

  test('a later set replaces the count; additions to it count from there', () => {
    const counted = add(base, { stock: 5 }, at(2, 'b'));
    const reset = set(base, { stock: 100 }, at(3));
    expect(merged(counted, reset).body?.stock).toBe(100);
    expect(merged(counted, add(reset, { stock: 1 }, at(4)), add(reset, { stock: 2 }, at(4, 'b'))).body?.stock).toBe(
      103,
    );
  });

  test('a later whole write replaces the count', () => {
    expect(merged(add(base, { stock: 5 }, at(2, 'b')), put({ id: 'x', stock: 1 }, at(3))).body?.stock).toBe(1);
  });

  test('to what is no number is refused', () => {
    expect(() => add(put({ name: 'pen' }, at(1)), { name: 1 }, at(2))).toThrow('"name" is not a number');
  });
});

// Three nodes do random things and hear of each other at random. Beside each node's state stands the set of operations it knows,
// and an oracle that computes the record from that set alone.

type Op =
  | { kind: 'whole'; stamp: Stamp; body: JsonObject | null; expires: number | null }
  | { kind: 'set'; stamp: Stamp; name: string; value: Json }
  | { kind: 'expires'; stamp: Stamp; expires: number | null }
  | { kind: 'add'; stamp: Stamp; name: string; amount: number; base: Stamp };

const never: Stamp = { version: 0, origin: '' };
const max = (stamps: Stamp[]) => stamps.reduce((a, b) => (compareStamps(a, b) >= 0 ? a : b), never);
const same = (a: Stamp, b: Stamp) => compareStamps(a, b) === 0;

function wholeOf(ops: readonly Op[]): Stamp {
  return max(ops.flatMap((op) => (op.kind === 'whole' ? [op.stamp] : [])));
}

function baseOf(ops: readonly Op[], name: string): Stamp {
  return max([wholeOf(ops), ...ops.flatMap((op) => (op.kind === 'set' && op.name === name ? [op.stamp] : []))]);
}

function oracle(ops: readonly Op[]): { body: JsonObject | null; expires: number | null; stamp: Stamp } {
  const stamp = max(ops.map((op) => op.stamp));
  const whole = ops.find((op) => op.kind === 'whole' && same(op.stamp, wholeOf(ops)));
  const start = whole?.kind === 'whole' ? whole : { body: {}, expires: null };
  if (start.body === null) return { body: null, expires: null, stamp };
  const body: Record<string, Json> = { ...start.body };
  for (const name of ['a', 'b', 'c', 'd']) {
    const base = baseOf(ops, name);
    const set = ops.find((op) => op.kind === 'set' && op.name === name && same(op.stamp, base));
    if (set?.kind === 'set') body[name] = set.value;
    const adds = ops.filter((op) => op.kind === 'add' && op.name === name && same(op.base, base));
    for (const op of adds) if (op.kind === 'add') body[name] = Number(body[name] ?? 0) + op.amount;
  }
  const lastExpiry = ops
    .filter((op) => op.kind === 'expires' && compareStamps(op.stamp, wholeOf(ops)) > 0)
    .sort((x, y) => compareStamps(x.stamp, y.stamp))
    .at(-1);
  return { body, expires: lastExpiry?.kind === 'expires' ? lastExpiry.expires : start.expires, stamp };
}

const attributeName = fc.constantFrom('a', 'b', 'c', 'd');
const number = fc.integer({ min: -5, max: 5 });
const expires = fc.option(fc.integer({ min: 1, max: 9 }));
const action = fc.record({
  node: fc.integer({ min: 0, max: 2 }),
  what: fc.oneof(
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('put' as const),
        body: fc.dictionary(attributeName, number, { noNullPrototype: true }),
        expires,
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete' as const) }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('set' as const), name: attributeName, value: number }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('add' as const), name: attributeName, amount: number }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('expires' as const), expires }) },
    // Hears of a version some node had at some time: late, repeated, out of order.
    { weight: 5, arbitrary: fc.record({ kind: fc.constant('hear' as const), which: fc.nat() }) },
  ),
  skew: fc.integer({ min: 1, max: 4 }),
});

/** So that no history is empty. */
const first = { node: 0, what: { kind: 'put' as const, body: { a: 0 }, expires: null }, skew: 1 };

interface Version {
  readonly state: RecordState;
  readonly ops: readonly Op[];
}

function play(actions: readonly (typeof action extends fc.Arbitrary<infer T> ? T : never)[]): Version[] {
  const nodes: (Version | undefined)[] = [undefined, undefined, undefined];
  const clocks = [0, 0, 0];
  const history: Version[] = [];
  for (const { node, what, skew } of actions) {
    const known = nodes[node];
    const ops = known?.ops ?? [];
    const stamp = { version: (clocks[node] ?? 0) + skew, origin: `n${node}` };
    let next: Version | undefined;
    const local = (op: Op, state: RecordState) => ({ state, ops: [...ops, op] });
    switch (what.kind) {
      case 'put':
        next = local(
          { kind: 'whole', stamp, body: what.body, expires: what.expires },
          applyPut(known?.state, what.body, what.expires, stamp),
        );
        break;
      case 'delete':
        next = local({ kind: 'whole', stamp, body: null, expires: null }, applyDelete(known?.state, stamp));
        break;
      case 'set':
        next = local({ ...what, stamp }, set(known?.state, { [what.name]: what.value }, stamp));
        break;
      case 'add':
        next = local(
          { ...what, stamp, base: baseOf(ops, what.name) },
          add(known?.state, { [what.name]: what.amount }, stamp),
        );
        break;
      case 'expires':
        next = local({ ...what, stamp }, applyPatch(known?.state, { set: {}, add: {} }, stamp, what.expires));
        break;
      case 'hear': {
        const heard = history[what.which % Math.max(1, history.length)];
        if (!heard) continue;
        next = {
          state: mergeRecord(known?.state, heard.state),
          ops: [...ops, ...heard.ops.filter((op) => !ops.some((other) => same(other.stamp, op.stamp)))],
        };
      }
    }
    clocks[node] = Math.max(stamp.version, next.state.stamp.version);
    nodes[node] = next;
    history.push(next);
  }
  return history;
}

describe('properties', () => {
  const histories = fc.array(action, { maxLength: 30 }).map((actions) => play([first, ...actions]));

  test('every version is what its operations say', () => {
    fc.assert(
      fc.property(histories, (history) => {
        for (const { state, ops } of history) {
          const { stamp, expires, body } = state;
          expect({ stamp, expires, body }).toEqual(oracle(ops));
        }
      }),
      { numRuns: 400 },
    );
  });

  test('merging is commutative, associative and idempotent, down to the text of the body', () => {
    const text = (state: RecordState) => JSON.stringify([state, mergeToText(state.merge)]);
    fc.assert(
      fc.property(histories, fc.nat(), fc.nat(), fc.nat(), (history, i, j, k) => {
        const pick = (n: number) => history[n % history.length]?.state as RecordState;
        const [a, b, c] = [pick(i), pick(j), pick(k)];
        expect(text(mergeRecord(a, a))).toBe(text(a));
        expect(text(mergeRecord(a, b))).toBe(text(mergeRecord(b, a)));
        expect(text(mergeRecord(mergeRecord(a, b), c))).toBe(text(mergeRecord(a, mergeRecord(b, c))));
      }),
      { numRuns: 1000 },
    );
  });

  test('all nodes converge once each has heard all', () => {
    fc.assert(
      fc.property(histories, fc.infiniteStream(fc.nat()), (history, random) => {
        const states = history.map(({ state }) => state);
        const shuffled = states
          .map((state) => [random.next().value, state] as const)
          .sort(([a], [b]) => a - b)
          .map(([, state]) => state);
        expect(JSON.stringify(shuffled.reduce(mergeRecord))).toBe(JSON.stringify(states.reduce(mergeRecord)));
      }),
      { numRuns: 400 },
    );
  });

  const tag = ({ stamp, merge }: RecordState) => tagOfRow(stamp.version, mergeToText(merge));
  const content = ({ body, expires }: RecordState) => JSON.stringify([body, expires]);

  test('whatever the order of arrival, the tag is the same', () => {
    fc.assert(
      fc.property(histories, fc.infiniteStream(fc.nat()), (history, random) => {
        const states = history.map(({ state }) => state);
        const shuffled = states
          .map((state) => [random.next().value, state] as const)
          .sort(([a], [b]) => a - b)
          .map(([, state]) => state);
        expect(tag(shuffled.reduce(mergeRecord))).toBe(tag(states.reduce(mergeRecord)));
      }),
      { numRuns: 400 },
    );
  });

  test('what nodes have at any time has one tag exactly when it is the same', () => {
    fc.assert(
      fc.property(histories, fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 20 }), (history, pairs) => {
        const pick = (n: number) => history[n % history.length]?.state as RecordState;
        const states = [
          ...history.map(({ state }) => state),
          ...pairs.map(([i, j]) => mergeRecord(pick(i), pick(j))),
        ].filter(({ body }) => body !== null);
        const known = new Map<number, RecordState>();
        for (const state of states) {
          const other = known.get(tag(state));
          // Whole writes of two nodes in one microsecond are all that a tag can't tell apart.
          if (other && !(state.merge === null && state.stamp.origin !== other.stamp.origin))
            expect(content(state)).toBe(content(other));
          known.set(tag(state), state);
        }
        const tags = new Map<string, number>();
        for (const state of states) {
          const text = JSON.stringify([state.stamp.version, mergeToText(state.merge), state.body, state.expires]);
          expect(tag(state)).toBe(tags.get(text) ?? tag(state));
          tags.set(text, tag(state));
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('merge state survives its text', () => {
    fc.assert(
      fc.property(histories, (history) => {
        for (const { state } of history) expect(mergeFromText(mergeToText(state.merge))).toEqual(state.merge);
      }),
    );
  });
});

describe('tag', () => {
  const base = put({ id: 'x', name: 'pen', stock: 10 }, at(1_800_000_000_000_000));
  const tag = ({ stamp, merge }: RecordState) => tagOfRow(stamp.version, mergeToText(merge));
  const late = at(1_800_000_000_000_100, 'b');
  const later = at(1_800_000_000_000_200, 'a');

  test('of a record written whole is its version', () => expect(tag(base)).toBe(base.stamp.version));

  for (const [what, one, other] of [
    ['patch', set(base, { name: 'quill' }, late), set(base, { stock: 9 }, later)],
    ['count', add(base, { stock: -1 }, late), add(base, { stock: -2 }, later)],
    ['expiry', applyPatch(base, { set: {}, add: {} }, late, 5), set(base, { stock: 9 }, later)],
  ] as const) {
    test(`changes with an older ${what} that comes in late, though the version stays`, () => {
      const after = merged(one, other);
      expect(after.stamp).toEqual(other.stamp);
      expect(tag(after)).not.toBe(tag(other));
      expect(tag(after)).not.toBe(tag(one));
      expect(tag(mergeRecord(after, one))).toBe(tag(after));
    });
  }

  test('of a patched record is a whole number above all versions', () => {
    const number = tag(set(base, { name: 'quill' }, late));
    expect(Number.isSafeInteger(number)).toBe(true);
    expect(String(number)).toHaveLength(16);
    expect(number).toBeGreaterThan(Date.UTC(2100, 0) * 1000);
  });
});

describe('merge text', () => {
  test('is compact', () => {
    const state = add(set(put({ n: 1, s: 1 }, at(1)), { n: 2, x: 1 }, at(2)), { s: 4 }, at(3));
    expect(mergeToText(state.merge)).toBe(
      '{"w":[1,"a"],"a":{"n":[2,"a"],"x":[2,"a"]},"c":{"s":[1,"a",1,{"a":[1,4]}]},"n":["x"]}',
    );
  });

  test('keeps large integers hidden in a tombstone exact', () => {
    const large = 12345678901234567890n as unknown as Json;
    const base = put({ n: 1 }, at(1));
    const deleted = mergeRecord(set(base, { n: large }, at(3)), applyDelete(base, at(2, 'b')));
    expect(mergeFromText(mergeToText(deleted.merge))).toEqual(deleted.merge);
    expect(mergeRecord(deleted, put({ n: 2 }, at(2, 'c'))).body).toEqual({ n: large });
  });

  for (const text of [
    '{}',
    '[]',
    '{"w":[1]}',
    '{"w":["1","a"]}',
    '{"w":[1,"a"],"a":3}',
    '{"w":[1,"a"],"c":{"x":[1,"a"]}}',
  ]) {
    test(`${text} is refused`, () => expect(() => mergeFromText(text)).toThrow('not readable'));
  }
});
