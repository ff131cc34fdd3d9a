// The changes an app makes to one record through an instance: `product.name = 'Boot'; product.subtractFrom('stock', 1)`.
// Compares the instance with the record it was loaded from, so that only what changed is written, attribute by attribute.

import { ZerohopError } from '../base/index.ts';
import type { Id } from '../records/index.ts';
import type { CommittedWrite, StoredRecord } from '../tables/index.ts';
import { isBlobReference } from '../tables/index.ts';
import { openBlob } from './blob.ts';
import type { ScopedTransaction } from './scoped-transaction.ts';
import { blobNamesOf, blobsOf, type Place } from './table-place.ts';
import { type Fields, stagePatch, stagePut } from './table-writes.ts';

export interface CountOptions {
  /** The number may not go below this: then nothing of the transaction is written, and the commit fails with BELOW_MINIMUM. */
  readonly min?: number;
}

export class RecordEdit {
  readonly place: Place;
  readonly #stored: StoredRecord | undefined;
  #id: Id | undefined;
  /** Attribute values as loaded or last staged. */
  #before: Map<string, unknown>;
  readonly #adds = new Map<string, number>();
  readonly #minimum = new Map<string, number>();
  #isNew: boolean;

  constructor(place: Place, id: Id | undefined, stored: StoredRecord | undefined) {
    this.place = place;
    this.#id = id;
    this.#stored = stored;
    this.#isNew = stored === undefined;
    this.#before = new Map(Object.entries(stored === undefined ? {} : place.table.decode(stored)));
  }

  get id(): Id | undefined {
    return this.#id;
  }

  get exists(): boolean {
    return !this.#isNew;
  }

  get stored(): StoredRecord | undefined {
    return this.#stored;
  }

  /** The record's attributes, for the app to change: copies, down to the leaves. */
  copies(): Record<string, unknown> {
    const copies: Record<string, unknown> = {};
    const blobNames = blobNamesOf(this.place.table);
    for (const [name, value] of this.#before) {
      copies[name] =
        blobNames.includes(name) && isBlobReference(value)
          ? openBlob(value, blobsOf(this.place))
          : structuredClone(value);
    }
    for (const name of blobNames) this.#before.set(name, copies[name]);
    return copies;
  }

  /** Adds to a number so that concurrent additions all count. Gives what it is now, as far as is known here. */
  add(name: string, amount: number, current: unknown, { min }: CountOptions): number {
    if (typeof amount !== 'number' || !Number.isFinite(amount)) {
      throw new ZerohopError('VALIDATION_FAILED', `addTo("${name}") needs a number, not ${String(amount)}.`, {
        attribute: name,
      });
    }
    const known = current === undefined || current === null ? 0 : Number(current);
    if (!Number.isFinite(known)) {
      throw new ZerohopError('VALIDATION_FAILED', `"${name}" is not a number, so nothing can be added to it.`, {
        attribute: name,
      });
    }
    if (!Object.is(this.#before.get(name) ?? 0, known) && !this.#adds.has(name)) {
      // It was set before: the sum is what is set.
      return known + amount;
    }
    this.#adds.set(name, (this.#adds.get(name) ?? 0) + amount);
    if (min !== undefined) this.#minimum.set(name, Math.max(min, this.#minimum.get(name) ?? min));
    this.#before.set(name, known + amount);
    return known + amount;
  }

  /** Stages what differs from the record. `now`: the instance's attributes. */
  async stage(transaction: ScopedTransaction, now: Fields): Promise<void> {
    if (!this.isChangedBy(now)) return;
    if (this.#isNew || this.#lacks(now)) await this.#stageWhole(transaction, now);
    else await this.#stageChanges(transaction, Object.fromEntries(this.#differences(now)));
    this.#before = new Map(
      Object.entries(now).map(([name, value]) => [name, value instanceof Blob ? value : structuredClone(value)]),
    );
    this.#adds.clear();
    this.#minimum.clear();
  }

  /** Whether there is anything to write. */
  isChangedBy(now: Fields): boolean {
    return this.#isNew || this.#lacks(now) || this.#adds.size > 0 || this.#differences(now).length > 0;
  }

  /** Whether an attribute was removed. */
  #lacks(now: Fields): boolean {
    return [...this.#before].some(([name, value]) => value !== undefined && !Object.hasOwn(now, name));
  }

  #differences(now: Fields): [string, unknown][] {
    const { primaryKey } = this.place.table.definition;
    return Object.entries(now).filter(
      ([name, value]) =>
        !(name === primaryKey && value === this.#id) && !Bun.deepEquals(value, this.#before.get(name), true),
    );
  }

  async #stageWhole(transaction: ScopedTransaction, now: Fields): Promise<void> {
    const options = this.#isNew ? { if: { exists: false } } : {};
    const told = ({ id }: CommittedWrite) => {
      this.#id = id;
    };
    this.#id = (await stagePut(this.place, transaction, this.#id, now, options, told)) ?? undefined;
    this.#isNew = false;
  }

  async #stageChanges(transaction: ScopedTransaction, set: Fields): Promise<void> {
    if (this.#id === undefined) {
      throw new ZerohopError(
        'INVALID_ID',
        `The new record of ${this.place.table.definition.name} gets its id at commit; change it after that.`,
      );
    }
    await stagePatch(this.place, transaction, this.#id, set, {
      if: { exists: true },
      ...(this.#adds.size > 0 && { add: Object.fromEntries(this.#adds) }),
      ...(this.#minimum.size > 0 && { minimum: Object.fromEntries(this.#minimum) }),
    });
  }
}
