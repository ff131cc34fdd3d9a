// The receiving half of a conversation: data goes to the store in order, all that is there at once, so that a node that is behind catches up
// in few commits. What may wait is bounded by the room this node gave the peer, and once more by it while a stream takes the place of
// another. Pure.
//
// The store answers in the order it was told. A batch that follows one it refused is refused too, as it says what must be there before it: so
// both can be brought again. A part of a copy says no such thing, and goes alone.

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
  /** How many of them, the first, are with the store. */
  readonly atStore: number;
  /** Answers to come from the store about what will be brought to it again. */
  readonly disregarded: number;
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
  return { stream: 0, window: 0, room: 0, owed: 0, queue: [], atStore: 0, disregarded: 0, missing: new Map() };
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
  const { atStore, disregarded } = receiving;
  const queue = receiving.queue.slice(0, atStore);
  const others = except.filter((origin) => origin !== peer);
  return [
    { ...notAsking(), stream, window, room: window, queue, atStore, disregarded },
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
  const { atStore, disregarded } = receiving;
  if (disregarded > 0) return next({ ...receiving, disregarded: disregarded - 1 });
  const [first, ...queue] = receiving.queue;
  if (!first || atStore === 0) return [receiving, []];
  const done = { ...receiving, queue, atStore: atStore - 1 };
  const isCurrent = first.stream === receiving.stream;
  if (outcome.ok) return next(isCurrent ? giveBack(done, weightOf(first)) : done);
  const { refusal } = outcome;
  switch (refusal.kind) {
    case 'gap':
      return isCurrent ? ask(done, peer, standing, window) : next(done);
    case 'missingBlobs':
      if (!isCurrent) return next(done);
      return askForBlobs({
        ...receiving,
        atStore: 0,
        disregarded: atStore - 1,
        missing: new Map(refusal.ids.map((id) => [id, null])),
      });
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

/** What waits goes to the store, unless blobs are waited for, or answers about what was brought there before it was known to be too early. */
function next(receiving: Receiving): ReceivingStep {
  const [state, effects] = grant(receiving);
  const { queue, atStore, disregarded, missing, stream } = state;
  const [first] = queue;
  if (!first || missing.size > 0 || disregarded > 0) return [state, effects];
  if (atStore > 0 && (first.type === 'copy' || first.stream !== stream)) return [state, effects];
  const copyAt = queue.findIndex(({ type }) => type === 'copy');
  const upTo = copyAt === 0 ? 1 : copyAt > 0 ? copyAt : queue.length;
  const brought = queue.slice(atStore, upTo).map((message) => ({ type: 'apply', message }) as const);
  return [{ ...state, atStore: upTo }, [...effects, ...brought]];
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
