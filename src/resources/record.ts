// A record as app code reads it: its attributes, frozen, with what the store knows about it in methods.

import { type BlobReference, type BlobStore, isBlobReference, type StoredRecord, type Table } from '../tables/index.ts';
import { openBlob } from './blob.ts';

export class TableRecord {
  [attribute: string]: unknown;
  readonly #table: Table;
  readonly #stored: StoredRecord;

  constructor(table: Table, stored: StoredRecord, blobNames: readonly string[], blobs: () => BlobStore) {
    this.#table = table;
    this.#stored = stored;
    Object.assign(this, table.decode(stored));
    for (const name of blobNames) {
      const reference = this[name];
      if (isBlobReference(reference)) defineBlob(this, name, reference, blobs);
    }
    Object.freeze(this);
  }

  /** When it was last written, in ms since 1970. */
  getUpdatedTime(): number {
    return Math.floor(this.#stored.version / 1000);
  }

  /** When it expires, in ms since 1970; undefined when it does not. */
  getExpiresAt(): number | undefined {
    return this.#stored.expires ?? undefined;
  }

  /** What it was made from. */
  static origin(record: TableRecord): { readonly table: Table; readonly stored: StoredRecord } {
    return { table: record.#table, stored: record.#stored };
  }
}

/** Opened when it is first read: most readers of a record don't want its bytes. */
function defineBlob(record: TableRecord, name: string, reference: BlobReference, blobs: () => BlobStore): void {
  let opened: Blob | undefined;
  Object.defineProperty(record, name, {
    enumerable: true,
    get() {
      opened ??= openBlob(reference, blobs());
      return opened;
    },
  });
}
