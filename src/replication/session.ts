// One conversation between this node and a peer about one database: step(state, event) → state + effects. Pure: whoever holds it (see
// replicator.ts) does the effects, in their order, and brings the events. No message, in any order, makes it throw.
//
//   greeting ──hello that fits──▶ open ──▶ closed
//       └────────anything else──────────────┘
//
// Open, each side asks for a stream (receiving.ts), serves the other's (sending.ts), and says what it has on disk.

import {
  beyond,
  type CopyAnswer,
  covers,
  type LogAnswer,
  type RemoteOutcome,
  union,
  type Vector,
} from '../store/index.ts';
import { type CloseCode, closeCodes } from './close-codes.ts';
import { replicationLimits } from './limits.ts';
import { type BlobPiece, type Hello, type Message, protocolVersion } from './messages.ts';
import {
  applied,
  ask,
  blobArrived,
  blobStored,
  dataArrived,
  grantAll,
  notAsking,
  type Receiving,
  type ReceivingEffect,
  type ReceivingStep,
  type Standing,
} from './receiving.ts';
import {
  copyRead,
  credited,
  logGrew,
  logRead,
  notAsked,
  pump,
  type Sending,
  type SendingEffect,
  type SendingStep,
  wanted,
} from './sending.ts';

export interface Local {
  readonly cluster: string;
  readonly node: string;
  readonly database: string;
  /** False: this node only receives on this link. */
  readonly sends: boolean;
  /** False: this node only sends on this link. */
  readonly receives: boolean;
  /** Who the peer is by its certificate; null where there is none to go by. */
  readonly identity: string | null;
  /** Units of data that may be under way to this node. */
  readonly window: number;
}

export interface SchemaState {
  readonly digest: string;
  /** The replicated tables as JSON text. */
  readonly definitions: string;
}

interface Common {
  readonly local: Local;
  readonly standing: Standing;
  /** What is on disk here. */
  readonly durable: Vector;
  readonly schema: SchemaState;
}

export interface Greeting extends Common {
  readonly phase: 'greeting';
  readonly startedMs: number;
  /** What the hello said is on disk. */
  readonly told: Vector;
}

export interface Open extends Common {
  readonly phase: 'open';
  readonly peer: string;
  readonly sending: Sending;
  readonly receiving: Receiving;
  /** What the peer has on disk. */
  readonly peerDurable: Vector;
  /** What the peer has been told is on disk here. */
  readonly acknowledged: Vector;
  /** What is here since data of this peer was stored: to be acknowledged when all of it is on disk. */
  readonly owed: Vector | null;
  readonly heardMs: number;
  readonly pingedMs: number;
  readonly pings: number;
}

export interface Closed {
  readonly phase: 'closed';
  readonly code: CloseCode;
  readonly reason: string;
}

export type SessionState = Greeting | Open | Closed;

export type SessionEvent =
  | { readonly type: 'message'; readonly message: Message; readonly nowMs: number }
  /** What came can not be read. */
  | { readonly type: 'unreadable'; readonly code: CloseCode; readonly reason: string }
  | {
      readonly type: 'canResume';
      readonly want: Extract<Message, { type: 'want' }>;
      readonly can: boolean;
      readonly nowMs: number;
    }
  /** The log has new entries, of transactions of these nodes. */
  | { readonly type: 'committed'; readonly origins: readonly string[] }
  /** More is on disk. Told before anything else is sent. */
  | { readonly type: 'durable'; readonly durable: Vector }
  | { readonly type: 'read'; readonly stream: number; readonly answer: LogAnswer }
  | { readonly type: 'copyRead'; readonly stream: number; readonly answer: CopyAnswer }
  | { readonly type: 'applied'; readonly outcome: RemoteOutcome; readonly standing: Standing }
  | { readonly type: 'blobStored'; readonly piece: BlobPiece }
  /** This node hears of other origins directly than before. */
  | { readonly type: 'exceptChanged'; readonly standing: Standing }
  | { readonly type: 'schemaChanged'; readonly schema: SchemaState }
  /** What other members have on disk, or digests: to be passed on. */
  | { readonly type: 'tell'; readonly message: Extract<Message, { type: 'heard' | 'digests' }> }
  | { readonly type: 'tick'; readonly nowMs: number }
  | { readonly type: 'disconnected'; readonly reason: string }
  | { readonly type: 'stop'; readonly code: CloseCode };

export type SessionEffect =
  | SendingEffect
  | ReceivingEffect
  /** Asks whether the log reaches back to the vector of `want.resume`: answered by `canResume`. */
  | { readonly type: 'checkResume'; readonly want: Extract<Message, { type: 'want' }> }
  | { readonly type: 'opened'; readonly peer: string; readonly peerSends: boolean }
  | { readonly type: 'applySchema'; readonly definitions: string }
  /** `durable`: all that the peer is known to have on disk. To be used after the effects before it. */
  | { readonly type: 'acknowledged'; readonly durable: Vector }
  | { readonly type: 'heard'; readonly members: ReadonlyMap<string, Vector> }
  | { readonly type: 'compare'; readonly vector: Vector; readonly tables: ReadonlyMap<string, string> }
  | { readonly type: 'sendBlob'; readonly id: string; readonly offset: number }
  | { readonly type: 'closed'; readonly code: CloseCode; readonly reason: string };

export type Step = readonly [SessionState, SessionEffect[]];

/** The state before anything was heard, and the hello. */
export function begin(
  local: Local,
  standing: Standing,
  durable: Vector,
  schema: SchemaState,
  nowMs: number,
): readonly [Greeting, SessionEffect[]] {
  const hello: Hello = {
    type: 'hello',
    protocol: protocolVersion,
    cluster: local.cluster,
    node: local.node,
    database: local.database,
    vector: durable,
    schemaDigest: schema.digest,
    sends: local.sends,
  };
  const state: Greeting = { phase: 'greeting', local, standing, durable, schema, startedMs: nowMs, told: durable };
  return [state, [{ type: 'send', message: hello }]];
}

export function step(state: SessionState, event: SessionEvent): Step {
  switch (state.phase) {
    case 'greeting':
      return inGreeting(state, event);
    case 'open':
      return inOpen(state, event);
    case 'closed':
      return [state, []];
  }
}

function inGreeting(state: Greeting, event: SessionEvent): Step {
  switch (event.type) {
    case 'message':
      return greeted(state, event.message, event.nowMs);
    case 'tick':
      if (event.nowMs - state.startedMs <= replicationLimits.helloMs) return [state, []];
      return close('TIMEOUT', 'The peer did not say who it is.');
    case 'durable':
      return [{ ...state, durable: event.durable }, []];
    case 'exceptChanged':
    case 'applied':
      return [{ ...state, standing: event.standing }, []];
    case 'schemaChanged':
      return [{ ...state, schema: event.schema }, []];
    case 'unreadable':
      return close(event.code, event.reason);
    case 'disconnected':
      return closed('DISCONNECTED', event.reason);
    case 'stop':
      return close(event.code, closeCodes[event.code].title);
    case 'committed':
    case 'canResume':
    case 'read':
    case 'copyRead':
    case 'blobStored':
    case 'tell':
      return [state, []];
  }
}

function greeted(state: Greeting, message: Message, nowMs: number): Step {
  if (message.type === 'bye') return closed(message.code, message.message);
  if (message.type !== 'hello') return close('PROTOCOL', `A "${message.type}" before the hello.`);
  const refusal = refusalOf(state, message);
  if (refusal) return close(refusal, `${closeCodes[refusal].title} (${message.node}).`);
  const { local, standing, durable, schema } = state;
  const open: Open = {
    phase: 'open',
    local,
    standing,
    durable,
    schema,
    peer: message.node,
    sending: notAsked(),
    receiving: notAsking(),
    peerDurable: message.vector,
    acknowledged: state.told,
    owed: null,
    heardMs: nowMs,
    pingedMs: nowMs,
    pings: 0,
  };
  const effects: SessionEffect[] = [
    { type: 'opened', peer: message.node, peerSends: message.sends },
    { type: 'acknowledged', durable: message.vector },
  ];
  if (message.schemaDigest !== schema.digest && local.sends)
    effects.push({ type: 'send', message: { type: 'schema', definitions: schema.definitions } });
  if (!local.receives || !message.sends) return [open, effects];
  return after([open, effects], received(open, ask(open.receiving, open.peer, standing, local.window)));
}

function refusalOf({ local, durable }: Greeting, hello: Hello): CloseCode | undefined {
  if (hello.protocol !== protocolVersion) return 'VERSION';
  if (hello.cluster !== local.cluster) return 'WRONG_CLUSTER';
  if (hello.database !== local.database) return 'WRONG_DATABASE';
  if (local.identity !== null && hello.node !== local.identity) return 'WRONG_IDENTITY';
  if (hello.node === local.node) return 'SELF';
  // Only what was on disk is ever sent: who has less than others have of it has lost its disk, and would give the numbers to other changes.
  if ((hello.vector.get(local.node) ?? 0) > (durable.get(local.node) ?? 0)) return 'LOST_COMMITS';
  return undefined;
}

function inOpen(state: Open, event: SessionEvent): Step {
  const ownSeq = state.durable.get(state.local.node) ?? 0;
  switch (event.type) {
    case 'message':
      return heard({ ...state, heardMs: event.nowMs }, event.message, event.nowMs);
    case 'canResume':
      return sent(state, wanted(event.want, event.can, ownSeq, event.nowMs));
    case 'committed':
      return sent(state, logGrew(state.sending, event.origins, ownSeq));
    case 'durable': {
      // First what waited for the disk, then what acknowledges it: see sending.ts.
      const next = { ...state, durable: event.durable };
      const flushed = sent(next, pump(state.sending, event.durable.get(state.local.node) ?? 0));
      return state.owed ? then(flushed, acknowledge) : flushed;
    }
    case 'read':
      if (event.stream !== state.sending.stream) return [state, []];
      return sent(state, logRead(state.sending, event.answer, ownSeq));
    case 'copyRead':
      if (event.stream !== state.sending.stream) return [state, []];
      return sent(state, copyRead(state.sending, event.answer, ownSeq));
    case 'applied': {
      const next = { ...state, standing: event.standing, owed: event.standing.vector };
      return received(next, applied(state.receiving, event.outcome, state.peer, event.standing, state.local.window));
    }
    case 'blobStored':
      return received(state, blobStored(state.receiving, event.piece));
    case 'exceptChanged': {
      const next = { ...state, standing: event.standing };
      if (state.receiving.stream === 0) return [next, []];
      return received(next, ask(state.receiving, state.peer, event.standing, state.local.window));
    }
    case 'schemaChanged': {
      const next = { ...state, schema: event.schema };
      if (!state.local.sends || event.schema.digest === state.schema.digest) return [next, []];
      return [next, [{ type: 'send', message: { type: 'schema', definitions: event.schema.definitions } }]];
    }
    case 'tell':
      return [state, [{ type: 'send', message: event.message }]];
    case 'tick':
      return ticked(state, event.nowMs);
    case 'unreadable':
      return close(event.code, event.reason);
    case 'disconnected':
      return closed('DISCONNECTED', event.reason);
    case 'stop':
      return close(event.code, closeCodes[event.code].title);
  }
}

function heard(state: Open, message: Message, nowMs: number): Step {
  const ownSeq = state.durable.get(state.local.node) ?? 0;
  switch (message.type) {
    case 'hello':
      return close('PROTOCOL', 'A second hello.');
    case 'schema':
      if (!state.local.receives) return [state, []];
      return [state, [{ type: 'applySchema', definitions: message.definitions }]];
    case 'want':
      if (!state.local.sends) return close('PROTOCOL', 'A stream was asked of a node that does not send here.');
      if (message.stream <= state.sending.stream) return close('PROTOCOL', 'A stream was asked for twice.');
      if (message.resume) return [state, [{ type: 'checkResume', want: message }]];
      return sent(state, wanted(message, false, ownSeq, nowMs));
    case 'credit':
      if (message.stream > state.sending.stream) return close('PROTOCOL', 'Room for a stream that was not asked for.');
      if (message.stream < state.sending.stream) return [state, []];
      if (message.amount > state.sending.underWay) return close('PROTOCOL', 'More was taken than was sent.');
      return sent(state, credited(state.sending, message.amount, ownSeq, nowMs));
    case 'data':
    case 'copy':
      return received(state, dataArrived(state.receiving, message));
    case 'acknowledge': {
      const peerDurable = union(state.peerDurable, message.durable);
      return [{ ...state, peerDurable }, [{ type: 'acknowledged', durable: peerDurable }]];
    }
    case 'heard':
      return [state, [{ type: 'heard', members: message.members }]];
    case 'digests':
      return [state, [{ type: 'compare', vector: message.vector, tables: message.tables }]];
    case 'ping':
      return [state, [{ type: 'send', message: { type: 'pong', id: message.id } }]];
    case 'pong':
      return [state, []];
    case 'wantBlob':
      return [state, [{ type: 'sendBlob', id: message.id, offset: message.offset }]];
    case 'blob':
      return received(state, blobArrived(state.receiving, message));
    case 'noBlob':
      // The record changed meanwhile: read again, it comes as it is now.
      if (!state.receiving.missing.has(message.id)) return [state, []];
      return received(state, ask(state.receiving, state.peer, state.standing, state.local.window));
    // Beside the conversation: whoever has the connection sees to them.
    case 'ask':
    case 'answer':
      return [state, []];
    case 'bye':
      return closed(message.code, message.message);
  }
}

function ticked(state: Open, nowMs: number): Step {
  const { sending, heardMs, pingedMs } = state;
  if (nowMs - heardMs > replicationLimits.silenceMs)
    return close('TIMEOUT', `Nothing was heard for ${nowMs - heardMs} ms.`);
  if (sending.underWay > 0 && nowMs - sending.progressMs > replicationLimits.stallMs)
    return close('STALLED', `Data has been under way for ${nowMs - sending.progressMs} ms.`);
  const told = acknowledge(state);
  if (nowMs - heardMs < replicationLimits.pingMs || nowMs - pingedMs < replicationLimits.pingMs) return told;
  return then(told, (open) => {
    const id = open.pings + 1;
    return [{ ...open, pings: id, pingedMs: nowMs }, [{ type: 'send', message: { type: 'ping', id } }]];
  });
}

/** Says what is on disk here, if that is more than was said, and what room there is. */
function acknowledge(state: Open): Step {
  const durable = beyond(state.durable, state.acknowledged);
  const owed = state.owed && !covers(state.durable, state.owed) ? state.owed : null;
  const [receiving, effects] = grantAll(state.receiving);
  const told: Open = { ...state, owed, acknowledged: state.durable, receiving };
  return [
    told,
    durable.size === 0 ? effects : [{ type: 'send', message: { type: 'acknowledge', durable } }, ...effects],
  ];
}

function sent(state: Open, [sending, effects]: SendingStep): Step {
  // What went out while nothing was under way starts the clock anew.
  return [
    {
      ...state,
      sending:
        state.sending.underWay === 0
          ? { ...sending, progressMs: Math.max(sending.progressMs, state.heardMs) }
          : sending,
    },
    effects,
  ];
}

function received(state: Open, outcome: ReceivingStep): Step {
  if ('close' in outcome) return close(outcome.close, outcome.reason);
  const [receiving, effects] = outcome;
  return [{ ...state, receiving }, effects];
}

function then([state, effects]: Step, next: (state: Open) => Step): Step {
  if (state.phase !== 'open') return [state, effects];
  return after([state, effects], next(state));
}

function after([, effects]: Step, [state, more]: Step): Step {
  return [state, [...effects, ...more]];
}

/** Ends the conversation and tells the peer why. */
function close(code: CloseCode, reason: string): Step {
  const [state, effects] = closed(code, reason);
  return [state, [{ type: 'send', message: { type: 'bye', code, message: reason.slice(0, 500) } }, ...effects]];
}

function closed(code: CloseCode, reason: string): Step {
  return [{ phase: 'closed', code, reason }, [{ type: 'closed', code, reason }]];
}
