// Writes and reads of records that not every node holds, done where they are. In the thread of the store.

import { errorToData } from '../base/index.ts';
import type {
  CommitOutcome,
  Fetched,
  Gathered,
  RecordName,
  Router,
  Search,
  StoreEngine,
  StoreTransaction,
} from '../store/index.ts';
import { askingLimits, type Question, type Reply } from './asking.ts';
import { Finder } from './finder.ts';
import { Gatherer } from './gatherer.ts';
import type { Members } from './members.ts';
import type { Residency } from './residency.ts';
import { amongHomes, homesOfTransaction } from './transaction-homes.ts';

export interface SpreadRouterOptions {
  readonly engine: StoreEngine;
  readonly node: string;
  readonly members: Members;
  readonly residency: Residency;
  /** Rejects with `Unanswered`. */
  readonly ask: (member: string, question: Question, waitMs: number) => Promise<Reply>;
  /** What this node itself counts. */
  readonly count: (question: Extract<Question, { type: 'count' }>) => Promise<Reply>;
  /** In ms; undefined: there is no connection to it. */
  readonly distanceTo: (member: string) => number | undefined;
  readonly nowMs: () => number;
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
    const { placement } = this.#options.residency;
    const { database, confirm } = transaction;
    if (!placement?.isSpread(database)) return false;
    try {
      const homes = homesOfTransaction(placement, transaction);
      if (homes === undefined) return false;
      if (homes.includes(this.#options.node)) {
        if (!confirm) return false;
        this.#options.engine.submitHere(
          { ...transaction, confirm: amongHomes(confirm, homes, this.#options.members, this.#options.node) },
          done,
        );
        return true;
      }
      this.#forward(transaction).then(done, (error: unknown) => done({ ok: false, error: errorToData(error) }));
    } catch (error) {
      done({ ok: false, error: errorToData(error) });
    }
    return true;
  }

  async fetch(database: string, { table, id }: RecordName): Promise<Fetched> {
    return this.#finder.find<Fetched>(`The record ${JSON.stringify(id)} of ${table}`, askingLimits.readMs, {
      homes: (placement) => (placement.isSpread(database, table) ? placement.answering(database, table, id) : []),
      here: () => ({ here: true }),
      question: { type: 'read', database, table, id },
      take: (reply, isLast) =>
        reply.type === 'record' && (reply.isKnown || isLast) ? { here: false, record: reply.record } : undefined,
    });
  }

  gather(database: string, search: Search): Promise<Gathered> {
    return this.#gatherer.gather(database, search);
  }

  #forward(transaction: StoreTransaction): Promise<CommitOutcome> {
    return this.#finder.find('What is to be written', askingLimits.workMs, {
      homes: (placement) => homesOfTransaction(placement, transaction) ?? [],
      here: () => new Promise((done) => this.#options.engine.submitHere(transaction, done)),
      question: { type: 'write', transaction },
      take: (reply) => (reply.type === 'written' ? reply.outcome : undefined),
    });
  }
}
