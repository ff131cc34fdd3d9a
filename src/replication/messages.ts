// What two nodes say to each other about one database. frame-codec.ts turns each into bytes and back.

import type { CopyPosition, RemoteBatch, RemoteRow, Vector } from '../store/index.ts';
import type { CloseCode } from './close-codes.ts';

/** Of the frames and what they mean. Nodes of different versions do not talk. */
export const protocolVersion = 1;

/** First, from both sides. */
export interface Hello {
  readonly type: 'hello';
  readonly protocol: number;
  /** Id of the cluster. */
  readonly cluster: string;
  /** Id of the node that speaks: its origin. */
  readonly node: string;
  readonly database: string;
  /** What the node has. */
  readonly vector: Vector;
  /** Equal where the replicated tables are defined alike. */
  readonly schemaDigest: string;
  /** False: a node that only receives here. */
  readonly sends: boolean;
}

/** Tables the other node may not have, as JSON text of their definitions. Before any data that needs them. */
export interface SchemaMessage {
  readonly type: 'schema';
  readonly definitions: string;
}

/** Asks for a stream of what this node lacks. Replaces a stream asked for before. */
export interface Want {
  readonly type: 'want';
  /** Number of the stream, counting up: data of earlier ones that is still under way is passed over. */
  readonly stream: number;
  readonly vector: Vector;
  /** Origins this node hears of directly. */
  readonly except: readonly string[];
  /** A copy of all rows that broke off. */
  readonly resume: { readonly vector: Vector; readonly position: CopyPosition } | null;
  /** Units of data it has room for: see `weightOf`. */
  readonly credit: number;
}

/** Room for more data. */
export interface Credit {
  readonly type: 'credit';
  readonly stream: number;
  readonly amount: number;
}

export interface Data {
  readonly type: 'data';
  readonly stream: number;
  readonly batch: RemoteBatch;
}

/** A part of a copy of all rows. */
export interface CopyPart {
  readonly type: 'copy';
  readonly stream: number;
  readonly vector: Vector;
  readonly rows: readonly RemoteRow[];
  readonly next: CopyPosition | null;
}

/** What the node has on disk, of origins where that has changed since the last one. */
export interface Acknowledge {
  readonly type: 'acknowledge';
  readonly durable: Vector;
}

/** What nodes this one is linked to have on disk, for nodes that are not linked to them. */
export interface Heard {
  readonly type: 'heard';
  readonly members: ReadonlyMap<string, Vector>;
}

/** Table → digest, at a vector; a node with the same vector has the same digests, or has diverged. */
export interface Digests {
  readonly type: 'digests';
  readonly vector: Vector;
  readonly tables: ReadonlyMap<string, string>;
}

export interface Ping {
  readonly type: 'ping';
  readonly id: number;
}

export interface Pong {
  readonly type: 'pong';
  readonly id: number;
}

/** Asks for a piece of a blob that a record refers to. */
export interface WantBlob {
  readonly type: 'wantBlob';
  readonly id: string;
  readonly offset: number;
}

/** A piece of a blob. `last`: its end. */
export interface BlobPiece {
  readonly type: 'blob';
  readonly id: string;
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly last: boolean;
}

/** The sender has no such blob any more: the records that referred to it have changed. */
export interface NoBlob {
  readonly type: 'noBlob';
  readonly id: string;
}

/** A question about records that the other node holds, beside the conversation: see cluster/asking.ts. */
export interface Ask {
  readonly type: 'ask';
  readonly id: number;
  readonly bytes: Uint8Array;
}

/** To the question of this number. */
export interface Answer {
  readonly type: 'answer';
  readonly id: number;
  readonly bytes: Uint8Array;
}

/** Last, from the side that ends the conversation. */
export interface Bye {
  readonly type: 'bye';
  readonly code: CloseCode;
  readonly message: string;
}

export type Message =
  | Hello
  | SchemaMessage
  | Want
  | Credit
  | Data
  | CopyPart
  | Acknowledge
  | Heard
  | Digests
  | Ping
  | Pong
  | WantBlob
  | BlobPiece
  | NoBlob
  | Ask
  | Answer
  | Bye;

/** What a message takes of the receiver's room: the same number on both sides, near its bytes. */
export function weightOf(message: Data | CopyPart): number {
  const rows = message.type === 'data' ? message.batch.rows : message.rows;
  let weight = 64;
  for (const { body, merge, computed } of rows)
    weight += 64 + (body?.length ?? 0) + (merge?.length ?? 0) + (computed?.length ?? 0);
  if (message.type === 'data')
    for (const { rows: positions } of message.batch.transactions) weight += 24 + positions.length;
  return weight;
}
