// Messages as frames:
//
//   length u32 LE, of what follows · type u8 · channel u16 LE · the message's fields
//
// A channel is one database on a link. Numbers are varints, names and texts UTF-8 with their length. Strings that come again in a batch
// (tables, origins) are numbers into lists at its start. A change here is a new `protocolVersion` and new fixtures.

import { type Id, mergeFromText } from '../records/index.ts';
import type { CopyPosition, RemoteBatch, RemoteRow, RemoteTransaction, Vector } from '../store/index.ts';
import { ByteReader, Unreadable } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';
import { type CloseCode, closeCodes } from './close-codes.ts';
import { replicationLimits as limits } from './limits.ts';
import { type Message, protocolVersion } from './messages.ts';

export interface Frame {
  readonly channel: number;
  readonly message: Message;
}

export type Decoded =
  | { readonly ok: true; readonly frame: Frame }
  | { readonly ok: false; readonly code: CloseCode; readonly reason: string };

/** The number of each type on the wire; never given to another. */
const typeNumbers = {
  hello: 1,
  schema: 2,
  want: 3,
  credit: 4,
  data: 5,
  copy: 6,
  acknowledge: 7,
  heard: 8,
  digests: 9,
  ping: 10,
  pong: 11,
  wantBlob: 12,
  blob: 13,
  noBlob: 14,
  bye: 15,
  ask: 16,
  answer: 17,
} as const satisfies Record<Message['type'], number>;

const typeNames = new Map(
  Object.entries(typeNumbers).map(([name, number]) => [number as number, name as Message['type']]),
);

/** Before the length of a hello, so that anything else that connects is known at once. */
const magic = 0x504f485a;

export function encodeFrame(channel: number, message: Message): Uint8Array<ArrayBuffer> {
  return new FrameEncoder().encode(channel, message);
}

/** Encodes what goes to several peers once: the batch, which is the same for all; number of channel and stream are each peer's own. */
export class FrameEncoder {
  #batch: RemoteBatch | undefined;
  #batchBytes = new Uint8Array();

  encode(channel: number, message: Message): Uint8Array<ArrayBuffer> {
    const batch = message.type === 'data' ? this.#encoded(message.batch) : undefined;
    const out = new ByteWriter(batch ? batch.byteLength + 32 : message.type === 'copy' ? sizeOf(message.rows) : 1024);
    out.u32(0);
    out.u8(typeNumbers[message.type]);
    out.u16(channel);
    if (message.type === 'data' && batch) {
      out.varint(message.stream);
      out.raw(batch);
    } else writeMessage(out, message);
    const bytes = out.take();
    out.u32(bytes.byteLength - 4, 0);
    return bytes;
  }

  #encoded(batch: RemoteBatch): Uint8Array {
    if (this.#batch !== batch) {
      const out = new ByteWriter(sizeOf(batch.rows) + 16 * batch.transactions.length);
      writeBatch(out, batch);
      this.#batch = batch;
      this.#batchBytes = out.take();
    }
    return this.#batchBytes;
  }
}

/** About, rather more. */
function sizeOf(rows: readonly RemoteRow[]): number {
  let size = 1024;
  for (const { id, merge, computed, body } of rows)
    size += 64 + String(id).length + (merge?.length ?? 0) + (computed?.length ?? 0) + (body?.length ?? 0);
  return size;
}

/** @param bytes a frame without its length. Never throws. */
export function decodeFrame(bytes: Uint8Array): Decoded {
  try {
    const reader = new ByteReader(bytes);
    const type = typeNames.get(reader.u8());
    if (type === undefined) return { ok: false, code: 'PROTOCOL', reason: 'A frame is of no known type.' };
    const channel = reader.u8() + reader.u8() * 256;
    if (type === 'hello') {
      const protocol = protocolIn(reader);
      if (protocol !== protocolVersion) return otherVersion(protocol);
    }
    const message = readers[type](reader);
    reader.end();
    return { ok: true, frame: { channel, message } };
  } catch (error) {
    if (error instanceof Unreadable) return { ok: false, code: 'PROTOCOL', reason: `A frame ${error.message}.` };
    throw error;
  }
}

/** Of a hello, which begins the same in all versions. Throws Unreadable. */
function protocolIn(reader: ByteReader): number {
  for (let shift = 0; shift < 32; shift += 8)
    if (reader.u8() !== ((magic >>> shift) & 0xff)) throw new Unreadable('is no greeting of a Zerohop node');
  return reader.varint();
}

/** What follows in it only nodes of that version can read. */
function otherVersion(protocol: number): Decoded {
  const [older, newer] = protocol < protocolVersion ? ['the peer', 'this node'] : ['this node', 'the peer'];
  const reason = `The peer speaks version ${protocol} of the protocol, and this node version ${protocolVersion}: update ${older} to what ${newer} runs.`;
  return { ok: false, code: 'VERSION', reason };
}

function writeMessage(out: ByteWriter, message: Message): void {
  switch (message.type) {
    case 'hello':
      out.u32(magic);
      out.varint(message.protocol);
      out.text(message.cluster);
      out.text(message.node);
      out.text(message.database);
      writeVector(out, message.vector);
      out.text(message.schemaDigest);
      return out.u8(message.sends ? 1 : 0);
    case 'schema':
      return out.text(message.definitions);
    case 'want':
      out.varint(message.stream);
      writeVector(out, message.vector);
      out.list(message.except, (name) => out.text(name));
      out.nullable(message.resume, ({ vector, position }) => {
        writeVector(out, vector);
        writePosition(out, position);
      });
      return out.varint(message.credit);
    case 'credit':
      out.varint(message.stream);
      return out.varint(message.amount);
    case 'data':
      out.varint(message.stream);
      return writeBatch(out, message.batch);
    case 'copy':
      out.varint(message.stream);
      writeVector(out, message.vector);
      writeRows(out, message.rows, []);
      return out.nullable(message.next, (position) => writePosition(out, position));
    case 'acknowledge':
      return writeVector(out, message.durable);
    case 'heard':
      return out.list([...message.members], ([node, vector]) => {
        out.text(node);
        writeVector(out, vector);
      });
    case 'digests':
      writeVector(out, message.vector);
      return out.list([...message.tables], ([table, digest]) => {
        out.text(table);
        out.text(digest);
      });
    case 'ping':
    case 'pong':
      return out.varint(message.id);
    case 'wantBlob':
      out.text(message.id);
      return out.varint(message.offset);
    case 'blob':
      out.text(message.id);
      out.varint(message.offset);
      out.u8(message.last ? 1 : 0);
      return out.bytes(message.bytes);
    case 'noBlob':
      return out.text(message.id);
    case 'ask':
    case 'answer':
      out.varint(message.id);
      return out.bytes(message.bytes);
    case 'bye':
      out.text(message.code);
      return out.text(message.message);
  }
}

const readers: { readonly [Type in Message['type']]: (reader: ByteReader) => Extract<Message, { type: Type }> } = {
  hello: (reader) => ({
    type: 'hello',
    protocol: protocolVersion,
    cluster: name(reader),
    node: name(reader),
    database: name(reader),
    vector: readVector(reader),
    schemaDigest: name(reader),
    sends: reader.flag(),
  }),
  schema: (reader) => ({ type: 'schema', definitions: jsonText(reader, '[') }),
  want: (reader) => ({
    type: 'want',
    stream: reader.varint(),
    vector: readVector(reader),
    except: reader.list(limits.names, () => name(reader)),
    resume: reader.nullable(() => ({ vector: readVector(reader), position: readPosition(reader) })),
    credit: reader.varint(),
  }),
  credit: (reader) => ({ type: 'credit', stream: reader.varint(), amount: reader.varint() }),
  data: (reader) => ({ type: 'data', stream: reader.varint(), batch: readBatch(reader) }),
  copy: (reader) => ({
    type: 'copy',
    stream: reader.varint(),
    vector: readVector(reader),
    rows: readRows(reader).rows,
    next: reader.nullable(() => readPosition(reader)),
  }),
  acknowledge: (reader) => ({ type: 'acknowledge', durable: readVector(reader) }),
  heard: (reader) => ({
    type: 'heard',
    members: new Map(reader.list(limits.names, () => [name(reader), readVector(reader)] as const)),
  }),
  digests: (reader) => ({
    type: 'digests',
    vector: readVector(reader),
    tables: new Map(reader.list(limits.names, () => [name(reader), name(reader)] as const)),
  }),
  ping: (reader) => ({ type: 'ping', id: reader.varint() }),
  pong: (reader) => ({ type: 'pong', id: reader.varint() }),
  wantBlob: (reader) => ({ type: 'wantBlob', id: blobId(reader), offset: reader.varint() }),
  blob: (reader) => {
    const id = blobId(reader);
    const offset = reader.varint();
    const last = reader.flag();
    const bytes = reader.bytes(limits.blobPieceBytes);
    if (!last && bytes.byteLength === 0) throw new Unreadable('has a piece of a blob with nothing in it');
    return { type: 'blob', id, offset, bytes, last };
  },
  noBlob: (reader) => ({ type: 'noBlob', id: blobId(reader) }),
  ask: (reader) => ({ type: 'ask', id: reader.varint(), bytes: reader.bytes(limits.frameBytes) }),
  answer: (reader) => ({ type: 'answer', id: reader.varint(), bytes: reader.bytes(limits.frameBytes) }),
  bye: (reader) => {
    const code = name(reader);
    if (!isCloseCode(code)) throw new Unreadable('ends the conversation for no known reason');
    return { type: 'bye', code, message: reader.text(4096) };
  },
};

function writeVector(out: ByteWriter, vector: Vector): void {
  out.list([...vector], ([origin, seq]) => {
    out.text(origin);
    out.varint(seq);
  });
}

function readVector(reader: ByteReader): Vector {
  return new Map(reader.list(limits.names, () => [name(reader), reader.varint()] as const));
}

function writePosition(out: ByteWriter, { table, row, last }: CopyPosition): void {
  out.text(table);
  out.varint(row);
  out.varint(last);
}

function readPosition(reader: ByteReader): CopyPosition {
  return { table: name(reader), row: reader.varint(), last: reader.varint() };
}

function writeBatch(out: ByteWriter, { from, upTo, rows, transactions }: RemoteBatch): void {
  writeVector(out, from);
  writeVector(out, upTo);
  const origins = writeRows(
    out,
    rows,
    transactions.map(({ origin }) => origin),
  );
  out.list(transactions, ({ origin, seq, version, rows: positions }) => {
    out.varint(origins.get(origin) ?? 0);
    out.varint(seq);
    out.varint(version);
    out.list(positions, (position) => out.varint(position));
  });
}

function readBatch(reader: ByteReader): RemoteBatch {
  const from = readVector(reader);
  const upTo = readVector(reader);
  const { rows, origins } = readRows(reader);
  const transactions = reader.list(Number.MAX_SAFE_INTEGER, (): RemoteTransaction => {
    const origin = at(origins, reader.varint());
    const seq = positive(reader);
    const version = reader.varint();
    const positions = reader.list(Number.MAX_SAFE_INTEGER, () => {
      const position = reader.varint();
      if (position >= rows.length) throw new Unreadable('names a row that is not in it');
      return position;
    });
    return { origin, seq, version, rows: positions };
  });
  return { from, upTo, rows, transactions };
}

/** @returns the numbers of the origins, of `more` too */
function writeRows(out: ByteWriter, rows: readonly RemoteRow[], more: readonly string[]): Map<string, number> {
  const tables = numbered(rows.map(({ table }) => table));
  const origins = numbered([...rows.map(({ origin }) => origin), ...more]);
  out.list([...tables.keys()], (table) => out.text(table));
  out.list([...origins.keys()], (origin) => out.text(origin));
  out.list(rows, ({ table, id, version, origin, seq, expires, merge, computed, body }) => {
    out.varint(tables.get(table) ?? 0);
    out.u8(typeof id === 'number' ? 1 : 0);
    if (typeof id === 'number') out.signed(id);
    else out.text(id);
    out.varint(version);
    out.varint(origins.get(origin) ?? 0);
    out.varint(seq);
    out.nullable(expires, (value) => out.signed(value));
    out.nullable(merge, (text) => out.text(text));
    out.nullable(computed, (text) => out.text(text));
    out.nullable(body, (text) => out.text(text));
  });
  return origins;
}

function readRows(reader: ByteReader): { rows: RemoteRow[]; origins: string[] } {
  const tables = reader.list(limits.names, () => name(reader));
  const origins = reader.list(limits.names, () => name(reader));
  const rows = reader.list(Number.MAX_SAFE_INTEGER, (): RemoteRow => {
    const table = at(tables, reader.varint());
    const id: Id = reader.flag() ? reader.signed() : reader.text(4096);
    return {
      table,
      id,
      version: reader.varint(),
      origin: at(origins, reader.varint()),
      seq: positive(reader),
      expires: reader.nullable(() => reader.signed()),
      merge: reader.nullable(() => mergeText(reader)),
      computed: reader.nullable(() => jsonText(reader, '{')),
      body: reader.nullable(() => jsonText(reader, '{')),
    };
  });
  return { rows, origins };
}

function numbered(names: readonly string[]): Map<string, number> {
  const numbers = new Map<string, number>();
  for (const one of names) if (!numbers.has(one)) numbers.set(one, numbers.size);
  return numbers;
}

function at(names: readonly string[], index: number): string {
  const found = names[index];
  if (found === undefined) throw new Unreadable('has a number that stands for no name');
  return found;
}

function positive(reader: ByteReader): number {
  const value = reader.varint();
  if (value === 0) throw new Unreadable('has a transaction number of 0');
  return value;
}

function name(reader: ByteReader): string {
  return reader.text(limits.nameBytes);
}

function blobId(reader: ByteReader): string {
  const id = name(reader);
  // It becomes the name of a file.
  if (!/^[0-9A-Za-z-]{1,64}$/.test(id)) throw new Unreadable('has an id that no blob can have');
  return id;
}

/** The store keeps the text as it is, and SQLite and readers rely on it. */
function jsonText(reader: ByteReader, start: '{' | '['): string {
  const text = reader.text(limits.textBytes);
  try {
    if (text.startsWith(start)) {
      JSON.parse(text);
      return text;
    }
  } catch {
    // Said below.
  }
  throw new Unreadable('has a text that is not the JSON it should be');
}

function mergeText(reader: ByteReader): string {
  const text = jsonText(reader, '{');
  try {
    mergeFromText(text);
    return text;
  } catch {
    throw new Unreadable('has a merge state that can not be read');
  }
}

function isCloseCode(code: string): code is CloseCode {
  return Object.hasOwn(closeCodes, code);
}
