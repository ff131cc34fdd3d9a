// The transaction of a request or of `transaction(fn)`: a table transaction that also saves the changed instances of
// `update()` before it commits, tells who waits for a commit, and refuses writes that come after the door has answered.

import { type JsonObject, ZerohopError } from '../base/index.ts';
import type { Query } from '../query/index.ts';
import type { Id } from '../records/index.ts';
import type { Confirmation } from '../store/index.ts';
import type {
  CommittedWrite,
  PatchOptions,
  SearchResult,
  StoredRecord,
  Table,
  Transaction,
  WriteOptions,
} from '../tables/index.ts';

/** Something with changes that are staged at the latest when the transaction commits. */
export interface Unsaved {
  stage(): Promise<void>;
}

/** Gives what is to be done when the commit is refused. */
export type BeforeCommit = () => Promise<() => Promise<void>>;

export class ScopedTransaction implements Transaction {
  readonly #inner: Transaction;
  readonly #noteRead: (record: StoredRecord) => void;
  readonly #confirmation: () => Confirmation | undefined;
  readonly #unsaved = new Set<Unsaved>();
  /** Per database: how many writes are staged, and who waits for which of them. */
  #staged = new Map<string, { count: number; waiting: [index: number, told: (written: CommittedWrite) => void][] }>();
  readonly #stagedIds = new Set<string>();
  #beforeCommit: BeforeCommit[] = [];
  #closedBy: (() => string) | undefined;

  /**
   * @param noteRead told of every record read by id
   * @param confirmation who is to have its writes before a commit is done
   */
  constructor(
    inner: Transaction,
    noteRead: (record: StoredRecord) => void,
    confirmation: () => Confirmation | undefined = () => undefined,
  ) {
    this.#inner = inner;
    this.#confirmation = confirmation;
    this.#noteRead = noteRead;
  }

  get state(): Transaction['state'] {
    return this.#inner.state;
  }

  get hasWrites(): boolean {
    return this.#inner.hasWrites;
  }

  get(table: Table, id: Id): StoredRecord | undefined {
    const record = this.#inner.get(table, id);
    if (record !== undefined) this.#noteRead(record);
    return record;
  }

  search(table: Table, query: Query): SearchResult {
    return this.#inner.search(table, query);
  }

  explain(table: Table, query: Query): JsonObject {
    return this.#inner.explain(table, query);
  }

  put(
    table: Table,
    id: Id | undefined,
    record: Readonly<Record<string, unknown>>,
    options?: WriteOptions,
    told?: (written: CommittedWrite) => void,
  ): Id | null {
    this.#refuseWhenClosed('put', table, id);
    const assigned = this.#inner.put(table, id, record, options);
    this.#count(table, told);
    if (assigned !== null) this.#stagedIds.add(stagedKey(table, assigned));
    return assigned;
  }

  patch(
    table: Table,
    id: Id,
    changes: Readonly<Record<string, unknown>>,
    options?: PatchOptions,
    told?: (written: CommittedWrite) => void,
  ): void {
    this.#refuseWhenClosed('patch', table, id);
    this.#inner.patch(table, id, changes, options);
    this.#count(table, told);
    this.#stagedIds.add(stagedKey(table, id));
  }

  delete(table: Table, id: Id, options?: WriteOptions, told?: (written: CommittedWrite) => void): void {
    this.#refuseWhenClosed('delete', table, id);
    this.#inner.delete(table, id, options);
    this.#count(table, told);
    this.#stagedIds.add(stagedKey(table, id));
  }

  insist(table: Table, id: Id, tag: number | null): void {
    this.#inner.insist(table, id, tag);
  }

  /** Whether a write of the record is staged. */
  hasStaged(table: Table, id: Id): boolean {
    return this.#stagedIds.has(stagedKey(table, id));
  }

  /** Has `task` done before the next commit, which is refused when it fails. */
  beforeCommit(task: BeforeCommit): void {
    this.#beforeCommit.push(task);
  }

  /** Has `unsaved` staged before the next commit. */
  track(unsaved: Unsaved): void {
    this.#unsaved.add(unsaved);
  }

  /** Stages what changed instances hold, so that reads and the commit see it. */
  async stageUnsaved(): Promise<void> {
    for (const unsaved of this.#unsaved) await unsaved.stage();
  }

  async commit(): Promise<readonly CommittedWrite[]> {
    await this.stageUnsaved();
    if (!this.#inner.hasWrites) return [];
    const confirmation = this.#confirmation();
    const undo: (() => Promise<void>)[] = [];
    const staged = this.#staged;
    let written: readonly CommittedWrite[];
    try {
      for (const task of this.#beforeCommit.splice(0)) undo.push(await task());
      this.#staged = new Map();
      this.#stagedIds.clear();
      written = await this.#inner.commit(confirmation);
    } catch (error) {
      await Promise.allSettled(undo.map((each) => each()));
      throw error;
    }
    for (const [database, { waiting }] of staged) {
      if (waiting.length === 0) continue;
      const ofDatabase = written.filter(({ table }) => table.definition.database === database);
      for (const [index, told] of waiting) {
        const one = ofDatabase[index];
        if (one !== undefined) told(one);
      }
    }
    return written;
  }

  abort(): void {
    this.#unsaved.clear();
    this.#staged.clear();
    this.#stagedIds.clear();
    this.#beforeCommit = [];
    this.#inner.abort();
  }

  resetReadSnapshot(): void {
    this.#inner.resetReadSnapshot();
  }

  /** From now on writes are refused. `by`: what was answered, for the message: 'GET /Order/7'. */
  close(by: () => string): void {
    this.#closedBy = by;
  }

  #count(table: Table, told: ((written: CommittedWrite) => void) | undefined): void {
    const { database } = table.definition;
    const staged = this.#staged.get(database) ?? { count: 0, waiting: [] };
    this.#staged.set(database, staged);
    if (told !== undefined) staged.waiting.push([staged.count, told]);
    staged.count++;
  }

  #refuseWhenClosed(verb: string, table: Table, id: Id | undefined): void {
    if (this.#closedBy === undefined) return;
    const call = `${table.definition.name}.${verb}(${id === undefined ? '' : JSON.stringify(id)})`;
    throw new ZerohopError(
      'APPLICATION_ERROR',
      `${call} was called after ${this.#closedBy()} had ended, so it can't be part of it and was not done. Await it in the handler, or wrap it in transaction(() => ...).`,
    );
  }
}

function stagedKey({ definition: { database, name } }: Table, id: Id): string {
  return `${database}/${name}/${id}`;
}
