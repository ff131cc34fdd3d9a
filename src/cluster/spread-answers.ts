// What other nodes ask this one about records that not every node holds. In the thread of the store.

import { errorToData } from '../base/index.ts';
import { type Id, tagFields } from '../records/index.ts';
import { quoted } from '../storage/index.ts';
import type { Confirmation, RemoteRow, StoreEngine, StoreTransaction } from '../store/index.ts';
import { askingLimits, type Question, type Reply } from './asking.ts';
import { tooMany } from './gatherer.ts';
import type { HomeWriter } from './home-writer.ts';
import type { Members } from './members.ts';
import { type Placement, readEpoch } from './placement.ts';
import type { Residency } from './residency.ts';
import type { Searcher } from './searcher.ts';
import type { Settler } from './settler.ts';
import { amongHomes, homesOfTransaction, newPlaces } from './transaction-homes.ts';

export interface SpreadAnswersOptions {
  readonly engine: StoreEngine;
  readonly node: string;
  readonly members: Members;
  readonly residency: Residency;
  readonly writer: HomeWriter;
  readonly settler: () => Settler;
  readonly merge: (database: string, rows: readonly RemoteRow[]) => Promise<void>;
  readonly searcher: () => Searcher;
  readonly nowMs: () => number;
}

export class SpreadAnswers {
  readonly #options: SpreadAnswersOptions;

  constructor(options: SpreadAnswersOptions) {
    this.#options = options;
  }

  /** What another member asks. Never rejects. */
  async answer(member: string, question: Exclude<Question, { type: 'verify' }>): Promise<Reply> {
    try {
      switch (question.type) {
        case 'read':
          return this.#read(question);
        case 'write':
          return await this.#write(question.transaction);
        case 'search':
          return this.#search(question);
        case 'count':
          return await this.count(question);
        case 'trace':
          return this.#trace(question);
        case 'absent':
          return { type: 'absent', ids: this.#absent(question) };
        case 'take':
          return await this.#take(question);
        case 'move':
          return await this.#rowsFor(member, question);
      }
    } catch (error) {
      return { type: 'failed', error: errorToData(error) };
    }
  }

  /** Where this node does what another was asked for, and is one of those that are to have it, it has. */
  #counted({ count, ...rest }: Confirmation, among: readonly string[] | undefined): Confirmation {
    const own = this.#options.members.nameOf(this.#options.node);
    return { ...rest, count: among?.includes(own) ? count - 1 : count };
  }

  #search({ database, search }: Extract<Question, { type: 'search' }>): Reply {
    const { node, searcher } = this.#options;
    const { placement } = this.#options.residency;
    if (!placement?.isSpread(database, search.table)) return { type: 'notMine' };
    const { limit: wanted = askingLimits.foundRecords + 1 } = search.query as { readonly limit?: number };
    // Of records that may be under way, whoever has one says so.
    const isAll = placement.isByRecord(database, search.table);
    // What is being taken out here stands in the way of what comes after it.
    for (let limit = wanted; ; limit *= 2) {
      const found = searcher().search(database, search.table, { ...(search.query as object), limit });
      if (!found) return { type: 'notMine' };
      const records = found
        .filter(({ id }) => isAll || placement.answering(database, search.table, id).includes(node))
        .slice(0, wanted);
      if (records.length > askingLimits.foundRecords) throw tooMany(search.table);
      if (records.length === wanted || found.length < limit) return { type: 'records', records };
    }
  }

  /** What this node counts. */
  async count({ database, search, among, view }: Extract<Question, { type: 'count' }>): Promise<Reply> {
    const { node, searcher } = this.#options;
    const { placement } = this.#options.residency;
    if (placement?.view !== view) return { type: 'notMine' };
    const pages = searcher().ids(database, search.table, search.query);
    if (!pages) return { type: 'notMine' };
    let count = 0;
    for (const page of pages) {
      for (const id of page) if (placement.counting(database, search.table, id, among) === node) count++;
      await Bun.sleep(0);
      // What has moved meanwhile was perhaps counted by two, or by nobody.
      if (this.#options.residency.placement?.view !== view) return { type: 'notMine' };
    }
    return { type: 'count', count };
  }

  #read({ database, table, id }: Extract<Question, { type: 'read' }>): Reply {
    const { engine, node, nowMs, residency } = this.#options;
    const store = engine.store(database);
    const entry = store?.tables.get(table)?.entry;
    const { placement, places } = residency;
    if (!store || !entry || !placement) return { type: 'notMine' };
    if (!placement.answering(database, table, id).includes(node))
      return {
        type: 'notMine',
        ...(placement.isByRecord(database, table) && { places: places.rows(database, table, [id]) }),
      };
    const found = store.connection.first(
      `SELECT _version, _expires, _body, _merge FROM ${quoted(entry.names.table)} WHERE _id = ?`,
      [id],
    );
    if (!found) return { type: 'record', record: null, isKnown: false };
    const [version, expires, body, merge] = found;
    const isGone = body === null || (expires !== null && Number(expires) <= nowMs());
    const record = {
      version: Number(version),
      ...tagFields(Number(version), merge),
      expires: expires === null ? null : Number(expires),
      body: String(body),
    };
    return { type: 'record', record: isGone ? null : record, isKnown: true };
  }

  #write(transaction: StoreTransaction): Reply | Promise<Reply> {
    const { node, residency, writer } = this.#options;
    const { placement, places } = residency;
    if (!placement) return { type: 'notMine' };
    const homes = homesOfTransaction(placement, transaction, newPlaces(placement, places, transaction));
    if (!homes?.includes(node)) return { type: 'notMine', places: this.#placesOf(placement, transaction) };
    const { confirm } = transaction;
    const { confirm: _confirm, ...unconfirmed } = transaction;
    const wanted = confirm && this.#counted(amongHomes(confirm, homes, this.#options.members, node), confirm.among);
    const own = wanted && wanted.count > 0 ? { ...transaction, confirm: wanted } : unconfirmed;
    return new Promise((resolve) =>
      writer.submit(placement, own, (outcome, written) =>
        resolve({ type: 'written', outcome, ...(written.length > 0 && { places: written }) }),
      ),
    );
  }

  #placesOf(placement: Placement, { database, changes }: StoreTransaction): readonly RemoteRow[] {
    const { places } = this.#options.residency;
    return changes.flatMap(({ table, id }) =>
      id !== null && placement.isByRecord(database, table) ? places.rows(database, table, [id]) : [],
    );
  }

  #trace({ database, table, id }: Extract<Question, { type: 'trace' }>): Reply {
    const [row = null] = this.#options.engine.store(database)?.readThese(table, [id]) ?? [];
    return { type: 'trace', row };
  }

  #absent({ database, table, ids }: Extract<Question, { type: 'absent' }>): readonly Id[] {
    const store = this.#options.engine.store(database);
    return ids.filter((id) => (store?.readThese(table, [id]).length ?? 0) === 0);
  }

  async #take(asked: Extract<Question, { type: 'take' }>): Promise<Reply> {
    const { epoch, database, table, rows, places, isMove } = asked;
    const { engine, node, merge, residency, settler } = this.#options;
    if (residency.placement?.currentText !== epoch || !residency.placement.isSettled) return { type: 'notMine' };
    const ids = rows.map(({ id }) => id);
    const name = `${database}.${table}`;
    settler().keep(name, ids);
    await merge(database, [...residency.places.newsIn(database, places), ...rows]);
    settler().keep(name, ids);
    await new Promise<void>((resolve) => engine.whenDurable(database, resolve));
    const { placement } = residency;
    if (placement?.currentText !== epoch) return { type: 'notMine' };
    const refused = ids.filter(
      (id) => !isMove && (!placement.homes(name, id).includes(node) || settler().isMoving(name, id)),
    );
    return { type: 'taken', refused, places: residency.places.rows(database, table, refused) };
  }

  /** Rows that `member` is to have: told when they are on disk here. */
  async #rowsFor(member: string, asked: Extract<Question, { type: 'move' }>): Promise<Reply> {
    const { epoch, known, database, table, after } = asked;
    const { placement } = this.#options.residency;
    const store = this.#options.engine.store(database);
    // Once both know the epoch, whatever is written from now on reaches the other by the stream.
    if (!placement?.current || placement.currentText !== epoch || !store) return { type: 'notMine' };
    const { current } = placement;
    const before = known.flatMap((text) => readEpoch(text) ?? []);
    const name = `${database}.${table}`;
    const { rows, next } = store.readSome(
      table,
      after,
      askingLimits.moveBytes,
      (id) =>
        placement.isHome(current, member, name, id) && !before.some((one) => placement.isHome(one, member, name, id)),
    );
    await new Promise<void>((resolve) => this.#options.engine.whenDurable(database, resolve));
    return { type: 'rows', rows, next };
  }
}
