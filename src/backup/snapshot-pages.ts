// The pages of a database file as they are at one moment, read beside a writer that goes on. Page by page as in the file, so that what
// did not change is the same bytes as in the backup before.
//
// A read transaction keeps checkpoints from going beyond the moment it began, and the WAL from starting over with pages that are not in
// the file. So: file + the WAL up to any commit after that moment = one committed state (https://sqlite.org/walformat.html).

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { assert } from '../base/index.ts';
import { Connection } from '../storage/index.ts';

const walHeaderBytes = 32;
const frameHeaderBytes = 24;

export class SnapshotPages {
  readonly #connection: Connection;
  readonly pageBytes: number;
  readonly pageCount: number;
  readonly #file: number;
  readonly #wal: number | undefined;
  /** Page → where in the WAL its newest bytes are. */
  readonly #inWal: ReadonlyMap<number, number>;

  constructor(path: string) {
    this.#connection = new Connection(path, { readonly: true });
    this.#connection.run('BEGIN');
    // The transaction begins with its first read.
    this.#connection.first('SELECT count(*) FROM sqlite_master');
    this.pageBytes = Number(this.#connection.first('PRAGMA page_size')?.[0]);
    this.#file = openSync(path, 'r');
    this.#wal = openIfThere(`${path}-wal`);
    const committed = this.#wal === undefined ? undefined : committedFrames(this.#wal, this.pageBytes);
    this.#inWal = committed?.pages ?? new Map();
    this.pageCount = committed?.pageCount ?? fstatSync(this.#file).size / this.pageBytes;
    assert(Number.isInteger(this.pageCount), `${path} has whole pages`);
  }

  /** The pages from `first` (from 1) on, as far as there are any. */
  read(first: number, count: number): Uint8Array {
    const pages = Math.max(0, Math.min(count, this.pageCount - first + 1));
    const bytes = new Uint8Array(pages * this.pageBytes);
    readSync(this.#file, bytes, 0, bytes.length, (first - 1) * this.pageBytes);
    for (let index = 0; index < pages; index++) {
      const at = this.#inWal.get(first + index);
      if (at !== undefined && this.#wal !== undefined)
        readSync(this.#wal, bytes, index * this.pageBytes, this.pageBytes, at);
    }
    return bytes;
  }

  close(): void {
    closeSync(this.#file);
    if (this.#wal !== undefined) closeSync(this.#wal);
    this.#connection.rollBack();
    this.#connection.close();
  }
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch {
    return undefined;
  }
}

interface Committed {
  readonly pages: ReadonlyMap<number, number>;
  /** Of the database after the last commit. */
  readonly pageCount: number;
}

/** What the WAL holds up to its last whole commit; undefined when there is none. */
function committedFrames(wal: number, pageBytes: number): Committed | undefined {
  const header = new Uint8Array(walHeaderBytes);
  if (readSync(wal, header, 0, walHeaderBytes, 0) < walHeaderBytes) return undefined;
  const view = new DataView(header.buffer);
  const magic = view.getUint32(0);
  if (magic !== 0x377f0682 && magic !== 0x377f0683) return undefined;
  const little = magic === 0x377f0682;
  const sum = new Checksum(little);
  sum.add(view, 0, 24);
  if (!sum.is(view, 24) || view.getUint32(8) !== pageBytes) return undefined;
  const frame = new Uint8Array(frameHeaderBytes + pageBytes);
  const of = new DataView(frame.buffer);
  const pages = new Map<number, number>();
  let pending: [page: number, at: number][] = [];
  let pageCount: number | undefined;
  for (let at = walHeaderBytes; readSync(wal, frame, 0, frame.length, at) === frame.length; at += frame.length) {
    // Frames of an earlier WAL, or one that is just being written.
    if (of.getUint32(8) !== view.getUint32(16) || of.getUint32(12) !== view.getUint32(20)) break;
    sum.add(of, 0, 8);
    sum.add(of, frameHeaderBytes, pageBytes);
    if (!sum.is(of, 16)) break;
    pending.push([of.getUint32(0), at + frameHeaderBytes]);
    if (of.getUint32(4) === 0) continue;
    for (const [page, where] of pending) pages.set(page, where);
    pending = [];
    pageCount = of.getUint32(4);
  }
  return pageCount === undefined ? undefined : { pages, pageCount };
}

/** Of SQLite's WAL: two running sums over words. */
class Checksum {
  #first = 0;
  #second = 0;
  readonly #little: boolean;

  constructor(little: boolean) {
    this.#little = little;
  }

  add(view: DataView, from: number, bytes: number): void {
    for (let at = from; at < from + bytes; at += 8) {
      this.#first = (this.#first + view.getUint32(at, this.#little) + this.#second) >>> 0;
      this.#second = (this.#second + view.getUint32(at + 4, this.#little) + this.#first) >>> 0;
    }
  }

  is(view: DataView, at: number): boolean {
    return view.getUint32(at) === this.#first && view.getUint32(at + 4) === this.#second;
  }
}
