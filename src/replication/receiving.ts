// The receiving half of a conversation: data waits in order, one message at a time is with the store. What may wait is bounded by the room
// this node gave the peer. Pure.

import type { CopyProgress, RemoteOutcome, Vector } from '../store/index.ts';
import type { CloseCode } from './close-codes.ts';
import { replicationLimits } from './limits.ts';
import { type BlobPiece, type CopyPart, type Data, type Message, weightOf } from './messages.ts';

export interface Receiving {
  /** Number of the stream asked for; 0: none. */
  readonly stream: number;
  /** Room the peer has when nothing is under way. */
  readonly window: number;
  /** Room the peer has been given and has not used. */
  readonly room: number;
  /** Room that is free again and that the peer has not been told of. */
  readonly owed: number;
  readonly queue: readonly (Data | CopyPart)[];
  /** The first of the queue is with the store. */
  readonly busy: boolean;
  /** Blobs that the first of the queue waits for; of those asked for, the offset of the piece that is to come. */
  readonly missing: ReadonlyMap<string, number | null>;
}

/** Where this node stands: for asking. */
export interface Standing {
  readonly vector: Vector;
  readonly copies: readonly CopyProgress[];
  /** Origins it hears of directly, on other links. */
  readonly except: readonly string[];
}

export type ReceivingEffect =
  | { readonly type: 'send'; readonly message: Message }
  | { readonly type: 'storeBlob'; readonly piece: BlobPiece }
  | { readonly type: 'apply'; readonly message: Data | CopyPart };

export type ReceivingStep =
  | readonly [Receiving, ReceivingEffect[]]
  | { readonly close: CloseCode; readonly reason: string };

export function notAsking(): Receiving {
  return { stream: 0, window: 0, room: 0, owed: 0, queue: [], busy: false, missing: new Map() };
}

/** Asks `peer` for a new stream from where this node stands. Data of the stream before that has not reached the store is let go. */
export function ask(
  receiving: Receiving,
  peer: string,
  { vector, copies, except }: Standing,
  window: number,
): ReceivingStep {
  const stream = receiving.stream + 1;
  const copy = copies.find(({ source }) => source === peer);
  const resume = copy ? { vector: copy.vector, position: copy.position } : null;
  const queue = receiving.busy ? receiving.queue.slice(0, 1) : [];
  const others = except.filter((origin) => origin !== peer);
  return [
    { ...notAsking(), stream, window, room: window, queue, busy: receiving.busy },
    [{ type: 'send', message: { type: 'want', stream, vector, except: others, resume, credit: window } }],
  ];
}

export function dataArrived(receiving: Receiving, message: Data | CopyPart): ReceivingStep {
  // Of a stream that was replaced while this was under way.
  if (message.stream < receiving.stream) return [receiving, []];
  if (message.stream > receiving.stream)
    return { close: 'PROTOCOL', reason: `Data of stream ${message.stream}, which was not asked for.` };
  if (receiving.room <= 0) return { close: 'TOO_LARGE', reason: 'Data beyond the room that was given.' };
  const room = receiving.room - weightOf(message);
  return next({ ...receiving, room, queue: [...receiving.queue, message] });
}

/** The store has dealt with the first of the queue. */
export function applied(
  receiving: Receiving,
  outcome: RemoteOutcome,
  peer: string,
  standing: Standing,
  window: number,
): ReceivingStep {
  const [first, ...queue] = receiving.queue;
  if (!first) return [receiving, []];
  const done = { ...receiving, queue, busy: false };
  const isCurrent = first.stream === receiving.stream;
  if (outcome.ok) return next(isCurrent ? giveBack(done, weightOf(first)) : done);
  const { refusal } = outcome;
  switch (refusal.kind) {
    case 'gap':
      return isCurrent ? ask(done, peer, standing, window) : next(done);
    case 'missingBlobs':
      if (!isCurrent) return next(done);
      return askForBlobs({ ...receiving, busy: false, missing: new Map(refusal.ids.map((id) => [id, null])) });
    case 'ahead':
      return {
        close: 'CLOCK_AHEAD',
        reason: `A change by ${peer} or a node behind it is ${Math.round(refusal.aheadMs)} ms ahead of this node's clock.`,
      };
    case 'unknownTable':
      return { close: 'UNKNOWN_TABLE', reason: `There is no table ${refusal.table} here.` };
    case 'failed':
      return { close: 'STORAGE', reason: refusal.message };
  }
}

export function blobArrived(receiving: Receiving, piece: BlobPiece): ReceivingStep {
  if (receiving.missing.get(piece.id) !== piece.offset) return [receiving, []];
  return [receiving, [{ type: 'storeBlob', piece }]];
}

/** A piece of a blob is on disk. */
export function blobStored(receiving: Receiving, { id, offset, bytes, last }: BlobPiece): ReceivingStep {
  if (receiving.missing.get(id) !== offset) return [receiving, []];
  const missing = new Map(receiving.missing);
  if (last) {
    missing.delete(id);
    return missing.size === 0 ? next({ ...receiving, missing }) : askForBlobs({ ...receiving, missing });
  }
  const following = offset + bytes.byteLength;
  missing.set(id, following);
  return [{ ...receiving, missing }, [{ type: 'send', message: { type: 'wantBlob', id, offset: following } }]];
}

/** Asks for the next blobs, a few at a time. They come between the data, never behind what waits for them. */
function askForBlobs(receiving: Receiving): ReceivingStep {
  const missing = new Map(receiving.missing);
  const asked = [...missing.values()].filter((offset) => offset !== null).length;
  const ids = [...missing.keys()]
    .filter((id) => missing.get(id) === null)
    .slice(0, replicationLimits.blobPieces - asked);
  for (const id of ids) missing.set(id, 0);
  return [{ ...receiving, missing }, ids.map((id) => ({ type: 'send', message: { type: 'wantBlob', id, offset: 0 } }))];
}

/** The first of the queue goes to the store, unless one is there or blobs are waited for. */
function next(receiving: Receiving): ReceivingStep {
  const [first] = receiving.queue;
  const grants = grant(receiving);
  const [state, effects] = grants;
  if (!first || receiving.busy || receiving.missing.size > 0) return grants;
  return [{ ...state, busy: true }, [...effects, { type: 'apply', message: first }]];
}

function giveBack(receiving: Receiving, weight: number): Receiving {
  return { ...receiving, owed: receiving.owed + weight };
}

/** Tells the peer of all room that is free: with what acknowledges it, so that both go together. */
export function grantAll(receiving: Receiving): readonly [Receiving, ReceivingEffect[]] {
  const { owed, room, stream } = receiving;
  if (owed === 0) return [receiving, []];
  return [
    { ...receiving, owed: 0, room: room + owed },
    [{ type: 'send', message: { type: 'credit', stream, amount: owed } }],
  ];
}

/** Tells the peer of free room before it runs out. */
function grant(receiving: Receiving): readonly [Receiving, ReceivingEffect[]] {
  const { owed, room, window } = receiving;
  return owed >= window / 4 || room <= 0 ? grantAll(receiving) : [receiving, []];
}
