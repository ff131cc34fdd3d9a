// The conversation as a table of what is said to it and what it answers, and as something no order of events can bring down.

import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import type { LogAnswer, RemoteBatch, RemoteOutcome, Vector } from '../store/index.ts';
import type { CloseCode } from './close-codes.ts';
import { replicationLimits } from './limits.ts';
import type { Data, Hello, Message, Want } from './messages.ts';
import type { Standing } from './receiving.ts';
import { begin, type Local, type SessionEffect, type SessionEvent, type SessionState, step } from './session.ts';

const local: Local = {
  cluster: 'c',
  node: 'me',
  database: 'data',
  sends: true,
  receives: true,
  identity: null,
  window: 1000,
};
const vectorOf = (entries: Record<string, number>): Vector => new Map(Object.entries(entries));
const standing: Standing = { vector: vectorOf({ me: 5, other: 1 }), copies: [], except: ['other', 'peer'] };
const hello: Hello = {
  type: 'hello',
  protocol: 1,
  cluster: 'c',
  node: 'peer',
  database: 'data',
  vector: vectorOf({ peer: 9, me: 3 }),
  schemaDigest: 'one',
  sends: true,
};
const want: Want = { type: 'want', stream: 1, vector: vectorOf({ me: 3 }), except: [], resume: null, credit: 500 };
const batch = (upTo: number, body = 'x'): RemoteBatch => ({
  from: new Map([['me', upTo - 1]]),
  upTo: new Map([['me', upTo]]),
  rows: [
    { table: 'T', id: 'a', version: 1, origin: 'me', seq: upTo, expires: null, merge: null, computed: null, body },
  ],
  transactions: [{ origin: 'me', seq: upTo, version: 1, rows: [0] }],
});
const data = (upTo: number, stream = 1, body?: string): Data => ({ type: 'data', stream, batch: batch(upTo, body) });
const ok: RemoteOutcome = { ok: true, clashes: [] };

const said = (message: Message, nowMs = 0): SessionEvent => ({ type: 'message', message, nowMs });
const read = (upTo: number, ownSeq: number, atEnd = true): SessionEvent => {
  const answer: LogAnswer = { kind: 'batch', batch: batch(upTo), after: upTo, atEnd, ownSeq };
  return { type: 'read', stream: 1, answer };
};
const applied = (outcome: RemoteOutcome = ok): SessionEvent => ({ type: 'applied', outcome, standing });

/** Runs events; gives the effects of the last. */
function after(events: readonly SessionEvent[], from: Partial<Local> = {}): { state: SessionState; last: string[] } {
  let [state, effects]: readonly [SessionState, SessionEffect[]] = begin(
    { ...local, ...from },
    standing,
    vectorOf({ me: 5 }),
    { digest: 'one', definitions: '[]' },
    0,
  );
  for (const event of events) [state, effects] = step(state, event);
  return { state, last: effects.map(shown) };
}

function shown(effect: SessionEffect): string {
  if (effect.type === 'send') {
    const { message } = effect;
    if (message.type === 'credit') return `send credit ${message.amount}`;
    if (message.type === 'want') return `send want ${message.stream}`;
    return message.type === 'bye' ? `send bye ${message.code}` : `send ${message.type}`;
  }
  return effect.type === 'closed' ? `closed ${effect.code}` : effect.type;
}

describe('a greeting', () => {
  test('that fits opens, and asks for a stream', () => {
    const { state, last } = after([said(hello)]);
    expect(state).toMatchObject({ phase: 'open', peer: 'peer' });
    expect(last).toEqual(['opened', 'acknowledged', 'send want 1']);
    expect(state.phase === 'open' && state.receiving.room).toBe(1000);
  });

  test('of a node with other tables brings ours first', () => {
    expect(after([said({ ...hello, schemaDigest: 'two' })]).last).toContain('send schema');
  });

  const refused: readonly (readonly [what: string, event: SessionEvent, from: Partial<Local>, code: CloseCode])[] = [
    ['another version', said({ ...hello, protocol: 2 }), {}, 'VERSION'],
    ['another cluster', said({ ...hello, cluster: 'd' }), {}, 'WRONG_CLUSTER'],
    ['another database', said({ ...hello, database: 'd' }), {}, 'WRONG_DATABASE'],
    ['another name than the certificate has', said(hello), { identity: 'someone' }, 'WRONG_IDENTITY'],
    ['our own id', said({ ...hello, node: 'me' }), {}, 'SELF'],
    ['more of our commits than we have', said({ ...hello, vector: vectorOf({ me: 6 }) }), {}, 'LOST_COMMITS'],
    ['no hello', said(want), {}, 'PROTOCOL'],
    ['nothing for too long', { type: 'tick', nowMs: replicationLimits.helloMs + 1 }, {}, 'TIMEOUT'],
    ['nonsense', { type: 'unreadable', code: 'PROTOCOL', reason: 'x' }, {}, 'PROTOCOL'],
  ];
  test.each(refused)('with %s is refused', (_what, event, from, code) => {
    const { state, last } = after([event], from);
    expect(state).toMatchObject({ phase: 'closed', code });
    expect(last).toEqual([`send bye ${code}`, `closed ${code}`]);
  });
});

describe('sending', () => {
  const asked = [said(hello), said(want)];
  test.each<readonly [what: string, events: SessionEvent[], last: string[]]>([
    ['reads when asked', [], ['read']],
    ['sends what is on disk', [read(5, 5)], ['send data']],
    ['keeps what is not on disk', [read(6, 6)], []],
    ['sends it once it is', [read(6, 6), { type: 'durable', durable: vectorOf({ me: 6 }) }], ['send data']],
    ['reads on when there was more', [read(5, 5, false)], ['send data', 'read']],
    ['reads on when more was committed', [read(5, 5), { type: 'committed', origins: ['me'] }], ['read']],
    [
      'does not read what the peer hears of elsewhere',
      [
        said({ ...want, stream: 2, except: ['other'] }),
        { type: 'read', stream: 2, answer: { kind: 'batch', batch: batch(5), after: 5, atEnd: true, ownSeq: 5 } },
        { type: 'committed', origins: ['other'] },
      ],
      [],
    ],
    [
      'does not miss a commit made while it read',
      [{ type: 'committed', origins: ['me'] }, read(5, 5)],
      ['send data', 'read'],
    ],
    [
      'a copy when the log is too short',
      [{ type: 'read', stream: 1, answer: { kind: 'copy', vector: standing.vector } }],
      ['readCopy'],
    ],
    [
      'the log after a copy',
      [
        { type: 'read', stream: 1, answer: { kind: 'copy', vector: standing.vector } },
        { type: 'copyRead', stream: 1, answer: { rows: [], next: null, ownSeq: 5 } },
      ],
      ['send copy', 'read'],
    ],
    ['nothing of a stream that was replaced', [said({ ...want, stream: 2 }), read(5, 5)], []],
  ])('%s', (_what, events, last) => {
    expect(after([...asked, ...events]).last).toEqual(last);
  });

  test('stops when the peer has no room, and goes on when it has', () => {
    const full = [said(hello), said({ ...want, credit: 1 }), read(4, 4, false)];
    expect(after(full).last).toEqual(['send data']);
    expect(after([...full, { type: 'committed', origins: ['me'] }]).last).toEqual([]);
    expect(after([...full, said({ type: 'credit', stream: 1, amount: 154 })]).last).toEqual(['read']);
    expect(after([...full, said({ type: 'credit', stream: 1, amount: 10_000 })]).last).toContain('closed PROTOCOL');
  });

  test('a peer that takes nothing while it answers is stuck', () => {
    const silent = replicationLimits.stallMs + 1;
    const events = [...asked, read(5, 5), said({ type: 'pong', id: 1 }, silent)];
    expect(after([...events, { type: 'tick', nowMs: silent }]).last).toContain('closed STALLED');
  });
});

describe('receiving', () => {
  const open = [said(hello)];
  const copy: Message = { type: 'copy', stream: 1, vector: standing.vector, rows: [], next: null };
  const gap: RemoteOutcome = { ok: false, refusal: { kind: 'gap', origin: 'x', has: 1, needs: 2 } };
  const replaced = [said(data(1)), said(data(2)), { type: 'exceptChanged', standing } as const, said(data(1, 2))];
  const tooEarly = [
    ...[1, 2, 3].map((seq) => said(data(seq))),
    applied({ ok: false, refusal: { kind: 'missingBlobs', ids: ['1'] } }),
    applied(gap),
    said(data(4)),
  ];
  const piece = { type: 'blob', id: '1', offset: 0, bytes: new Uint8Array(2), last: true } as const;
  const blobCame: readonly SessionEvent[] = [said(piece), { type: 'blobStored', piece }];
  test.each<readonly [what: string, events: SessionEvent[], last: string[]]>([
    ['hands data to the store', [said(data(1))], ['apply']],
    ['what comes while the store has data goes after it at once', [said(data(1)), said(data(2))], ['apply']],
    ['a part of a copy waits for what went before', [said(data(1)), said(copy)], []],
    ['and goes when that is answered', [said(data(1)), said(copy), applied()], ['apply']],
    ['and what comes after it waits', [said(copy), said(data(1)), said(copy)], []],
    [
      'until it is answered, then all that can',
      [said(copy), said(data(1)), said(data(2)), said(copy), applied()],
      ['apply', 'apply'],
    ],
    ['a new stream waits for the answers about the one before', [...replaced, applied()], []],
    ['and goes on with the last of them', [...replaced, applied(), applied()], ['apply']],
    [
      'what was brought too early is brought again when the blobs before it are here, and all was answered',
      [...tooEarly, ...blobCame, applied(gap)],
      ['apply', 'apply', 'apply', 'apply'],
    ],
    ['not before', [...tooEarly, ...blobCame], []],
    ['nor without the blobs', [...tooEarly, applied(gap)], []],
    [
      'room is given back once for it',
      [...tooEarly, ...blobCame, applied(gap), applied(), applied()],
      ['send credit 308'],
    ],
    [
      'acknowledges when it is on disk, and gives the room back',
      [said(data(1)), applied(), { type: 'durable', durable: vectorOf({ me: 5, peer: 9 }) }],
      ['send acknowledge', 'send credit 154'],
    ],
    [
      'goes on to owe it while not all of it is on disk',
      [
        said(data(1)),
        applied(),
        { type: 'durable', durable: vectorOf({ me: 5 }) },
        { type: 'durable', durable: vectorOf({ me: 5, other: 1 }) },
      ],
      ['send acknowledge'],
    ],
    ['gives no room back before', [said(data(1)), applied()], []],
    ['but before it runs out', [said(data(1)), applied(), said(data(2)), applied()], ['send credit 308']],
    [
      'asks anew after a gap',
      [said(data(1)), applied({ ok: false, refusal: { kind: 'gap', origin: 'x', has: 1, needs: 2 } })],
      ['send want 2'],
    ],
    ['passes over data of a stream before', [{ type: 'exceptChanged', standing }, said(data(1))], []],
    ['ends with data that was not asked for', [said(data(1, 7))], ['send bye PROTOCOL', 'closed PROTOCOL']],
    [
      'ends with clocks too far apart',
      [said(data(1)), applied({ ok: false, refusal: { kind: 'ahead', aheadMs: 90_000 } })],
      ['send bye CLOCK_AHEAD', 'closed CLOCK_AHEAD'],
    ],
    [
      'ends when the disk is full',
      [said(data(1)), applied({ ok: false, refusal: { kind: 'failed', code: 'STORAGE_FULL', message: 'full' } })],
      ['send bye STORAGE', 'closed STORAGE'],
    ],
  ])('%s', (_what, events, last) => {
    expect(after([...open, ...events]).last).toEqual(last);
  });

  test('data beyond the room given ends it: what waits is bounded', () => {
    const large = 'x'.repeat(600);
    expect(after([...open, said(data(1, 1, large)), said(data(2, 1, large))]).state.phase).toBe('open');
    const { state, last } = after([...open, ...[1, 2, 3].map((seq) => said(data(seq, 1, large)))]);
    expect([state.phase, last]).toEqual(['closed', ['send bye TOO_LARGE', 'closed TOO_LARGE']]);
  });

  test('blobs are asked for a few at a time and piece by piece; then their records are stored', () => {
    const ids = ['1', '2', '3', '4', '5'];
    const missing = [...open, said(data(1)), applied({ ok: false, refusal: { kind: 'missingBlobs', ids } })];
    expect(after(missing).last).toEqual(Array(4).fill('send wantBlob'));
    const piece = (id: string, offset: number, last: boolean) =>
      ({ type: 'blob', id, offset, bytes: new Uint8Array(2), last }) as const;
    const stored = (id: string, offset: number, last: boolean): SessionEvent[] => [
      said(piece(id, offset, last)),
      { type: 'blobStored', piece: piece(id, offset, last) },
    ];
    expect(after([...missing, said(piece('1', 0, false))]).last).toEqual(['storeBlob']);
    expect(after([...missing, said(piece('1', 5, false))]).last).toEqual([]);
    expect(after([...missing, ...stored('1', 0, false)]).last).toEqual(['send wantBlob']);
    const all = ids.flatMap((id) => stored(id, 0, true));
    expect(after([...missing, ...all]).last).toEqual(['apply']);
    expect(after([...missing, said({ type: 'noBlob', id: '1' })]).last).toEqual(['send want 2']);
  });
});

describe('time', () => {
  test.each<readonly [what: string, nowMs: number, last: string[]]>([
    ['nothing is due', replicationLimits.pingMs - 1, []],
    ['a ping after silence', replicationLimits.pingMs, ['send ping']],
    ['the end after longer silence', replicationLimits.silenceMs + 1, ['send bye TIMEOUT', 'closed TIMEOUT']],
  ])('%s', (_what, nowMs, last) => {
    expect(after([said(hello), { type: 'tick', nowMs }]).last).toEqual(last);
  });
});

test('no events in any order make it throw, and the queue stays within twice its room', () => {
  const refusals: RemoteOutcome[] = [
    ok,
    { ok: false, refusal: { kind: 'gap', origin: 'x', has: 1, needs: 2 } },
    { ok: false, refusal: { kind: 'missingBlobs', ids: ['1', '2'] } },
    { ok: false, refusal: { kind: 'unknownTable', table: 'T' } },
  ];
  const number = fc.integer({ min: 0, max: 6 });
  const messages: fc.Arbitrary<Message> = fc.oneof(
    fc.constant<Message>(hello),
    fc.record({ stream: number, credit: fc.nat(2000) }).map((more): Message => ({ ...want, ...more })),
    fc.record({ stream: number, amount: fc.nat(400) }).map((more): Message => ({ type: 'credit', ...more })),
    fc.tuple(number, number).map(([upTo, stream]): Message => data(upTo, stream)),
    number.map((stream): Message => ({ type: 'copy', stream, vector: standing.vector, rows: [], next: null })),
    fc.constant<Message>({ type: 'acknowledge', durable: vectorOf({ me: 9 }) }),
    fc.constant<Message>({ type: 'heard', members: new Map() }),
    fc.constant<Message>({ type: 'digests', vector: new Map(), tables: new Map() }),
    fc.constant<Message>({ type: 'schema', definitions: '[]' }),
    fc.constantFrom<Message>({ type: 'ping', id: 1 }, { type: 'pong', id: 1 }, { type: 'noBlob', id: '1' }),
    number.map((offset): Message => ({ type: 'blob', id: '1', offset, bytes: new Uint8Array(1), last: offset > 2 })),
    fc.constant<Message>({ type: 'wantBlob', id: '1', offset: 0 }),
  );
  const events: fc.Arbitrary<SessionEvent> = fc.oneof(
    { weight: 5, arbitrary: fc.tuple(messages, fc.nat(50_000)).map(([message, nowMs]) => said(message, nowMs)) },
    fc.constant<SessionEvent>({ type: 'committed', origins: ['me'] }),
    number.map((seq): SessionEvent => ({ type: 'durable', durable: vectorOf({ me: seq }) })),
    fc.tuple(number, number, fc.boolean()).map(([upTo, ownSeq, atEnd]) => read(upTo, ownSeq, atEnd)),
    number.map((stream): SessionEvent => ({ type: 'copyRead', stream, answer: { rows: [], next: null, ownSeq: 0 } })),
    fc.constantFrom(...refusals).map(applied),
    fc.constant<SessionEvent>({ type: 'exceptChanged', standing }),
    fc.constant<SessionEvent>({ type: 'canResume', want, can: true, nowMs: 0 }),
    fc.nat(80_000).map((nowMs): SessionEvent => ({ type: 'tick', nowMs })),
    fc.constant<SessionEvent>({ type: 'tell', message: { type: 'heard', members: new Map() } }),
    fc.constant<SessionEvent>({ type: 'schemaChanged', schema: { digest: 'x', definitions: '[]' } }),
  );
  fc.assert(
    fc.property(fc.array(events, { maxLength: 60 }), (more) => {
      const { state } = after([said(hello), ...more]);
      if (state.phase === 'open') expect(state.receiving.queue.length).toBeLessThanOrEqual(2 * (1 + 1000 / 64));
    }),
    { numRuns: 1000 },
  );
});
