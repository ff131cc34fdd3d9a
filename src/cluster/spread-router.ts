// Writes and reads of records that not every node holds, done where they are. In the thread of the store.

import { errorToData } from '../base/index.ts';
import { type Id, tagFields } from '../records/index.ts';
import type {
  CommitOutcome,
  Fetched,
  FetchedRecord,
  Gathered,
  RecordName,
  RemoteRow,
  Router,
  Search,
  StoreEngine,
  StoreTransaction,
} from '../store/index.ts';
import { askingLimits, type Question, type Reply, Unanswered } from './asking.ts';
import { Finder, unreachable } from './finder.ts';
import { Gatherer } from './gatherer.ts';
import type { HomeWriter } from './home-writer.ts';
import type { Members } from './members.ts';
import type { Placement } from './placement.ts';
import type { Residency } from './residency.ts';
import { amongHomes, homesOfTransaction, newPlaces } from './transaction-homes.ts';

export interface SpreadRouterOptions {
  readonly engine: StoreEngine;
  readonly node: string;
  readonly members: Members;
  readonly residency: Residency;
  /** Rejects with `Unanswered`. */
  readonly ask: (member: string, question: Question, waitMs: number) => Promise<Reply>;
  readonly writer: HomeWriter;
  readonly merge: (database: string, rows: readonly RemoteRow[]) => Promise<void>;
  /** What this node itself counts. */
  readonly count: (question: Extract<Question, { type: 'count' }>) => Promise<Reply>;
  /** In ms; undefined: there is no connection to it. */
  readonly distanceTo: (member: string) => number | undefined;
  readonly nowMs: () => number;
}

interface Placed {
  readonly outcome: CommitOutcome;
  /** Of new records. */
  readonly places: readonly RemoteRow[];
}

export class SpreadRouter implements Router {
  readonly #options: SpreadRouterOptions;
  readonly #finder: Finder;
  readonly #gatherer: Gatherer;

  constructor(options: SpreadRouterOptions) {
    this.#options = options;
    this.#finder = new Finder(options);
    this.#gatherer = new Gatherer({ ...options, nearestFirst: (members) => this.#finder.nearestFirst(members) });
  }

  route(transaction: StoreTransaction, done: (outcome: CommitOutcome) => void): boolean {
    const { engine, members, node, residency, writer } = this.#options;
    const { placement } = residency;
    const { database, confirm } = transaction;
    if (!placement?.isSpread(database)) return false;
    try {
      const homes = this.#homesOf(placement, transaction);
      if (homes === undefined) return false;
      if (homes.includes(node)) {
        const isPlaced = writer.isFor(placement, database);
        if (!confirm && !isPlaced) return false;
        const wanted = confirm ? { ...transaction, confirm: amongHomes(confirm, homes, members, node) } : transaction;
        if (isPlaced) writer.submit(placement, wanted, done);
        else engine.submitHere(wanted, done);
        return true;
      }
      this.#forward(transaction).then(done, (error: unknown) => done({ ok: false, error: errorToData(error) }));
    } catch (error) {
      done({ ok: false, error: errorToData(error) });
    }
    return true;
  }

  async fetch(database: string, { table, id }: RecordName): Promise<Fetched> {
    const { residency } = this.#options;
    const isPlaced = () =>
      residency.placement?.isByRecord(database, table) === true &&
      residency.places.entry(database, table, id) !== undefined;
    const found = await this.#finder.find<Fetched | 'nowhere'>(
      `The record ${JSON.stringify(id)} of ${table}`,
      askingLimits.readMs,
      {
        database,
        homes: (placement) => (placement.isSpread(database, table) ? placement.answering(database, table, id) : []),
        here: () => (isPlaced() && !this.#isHere(database, table, id) ? 'nowhere' : { here: true }),
        question: { type: 'read', database, table, id },
        take: (reply, isLast) => {
          if (reply.type !== 'record' || !(reply.isKnown || isLast)) return undefined;
          return !reply.isKnown && isPlaced() ? 'nowhere' : { here: false, record: reply.record };
        },
      },
    );
    return found === 'nowhere' ? { here: false, record: await this.#trace(database, table, id) } : found;
  }

  gather(database: string, search: Search): Promise<Gathered> {
    return this.#gatherer.gather(database, search);
  }

  async #forward(transaction: StoreTransaction): Promise<CommitOutcome> {
    const { engine, merge, residency, writer } = this.#options;
    const { database } = transaction;
    const { outcome, places } = await this.#finder.find<Placed>('What is to be written', askingLimits.workMs, {
      database,
      homes: (placement) => this.#homesOf(placement, transaction) ?? [],
      here: () =>
        new Promise((done) => {
          const { placement } = residency;
          const told = (outcome: CommitOutcome) => done({ outcome, places: [] });
          if (placement) writer.submit(placement, transaction, told);
          else engine.submitHere(transaction, told);
        }),
      question: { type: 'write', transaction },
      take: (reply) => (reply.type === 'written' ? { outcome: reply.outcome, places: reply.places ?? [] } : undefined),
    });
    // Who wrote it by this node is to find it by this node.
    if (places.length > 0) await merge(database, places);
    return outcome;
  }

  #homesOf(placement: Placement, transaction: StoreTransaction): string[] | undefined {
    const fresh = newPlaces(placement, this.#options.residency.places, transaction);
    return homesOfTransaction(placement, transaction, fresh);
  }

  #isHere(database: string, table: string, id: Id): boolean {
    return (this.#options.engine.store(database)?.readThese(table, [id]).length ?? 0) > 0;
  }

  /** What anybody has of a record whose homes do not have it yet: the newest. Rejects with UNREACHABLE. */
  async #trace(database: string, table: string, id: Id): Promise<FetchedRecord | null> {
    const { members, ask, nowMs } = this.#options;
    const away: string[] = [];
    const rows: RemoteRow[] = [];
    await Promise.all(
      members.othersWith(database).map(async (member) => {
        try {
          const reply = await ask(member, { type: 'trace', database, table, id }, askingLimits.readMs);
          if (reply.type === 'trace' && reply.row) rows.push(reply.row);
        } catch (error) {
          if (!(error instanceof Unanswered)) throw error;
          away.push(member);
        }
      }),
    );
    const [newest] = rows.sort((a, b) => b.version - a.version);
    if (newest === undefined && away.length > 0)
      throw unreachable(`The record ${JSON.stringify(id)} of ${table}`, away, members);
    if (newest === undefined || newest.body === null) return null;
    const { version, expires, merge, body } = newest;
    return expires !== null && expires <= nowMs() ? null : { version, ...tagFields(version, merge), expires, body };
  }
}
