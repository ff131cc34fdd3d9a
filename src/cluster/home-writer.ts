// Commits transactions on a node that holds all they are about. Of records whose places code chooses by what is in them: writes where new ones are, and
// first brings here what others may have of one that is not here yet.

import { errorToData } from '../base/index.ts';
import type { Id } from '../records/index.ts';
import type { Change, CommitOutcome, RemoteRow, StoreEngine, StoreTransaction } from '../store/index.ts';
import { askingLimits, type Question, type Reply, Unanswered } from './asking.ts';
import { unreachable } from './finder.ts';
import type { Members } from './members.ts';
import type { Placement } from './placement.ts';
import { placeText } from './places.ts';
import type { Residency } from './residency.ts';
import { newPlaces } from './transaction-homes.ts';

export interface HomeWriterOptions {
  readonly engine: StoreEngine;
  readonly node: string;
  readonly members: Members;
  readonly residency: Residency;
  /** Rejects with `Unanswered`. */
  readonly ask: (member: string, question: Question, waitMs: number) => Promise<Reply>;
  /** Rejects with what was refused. */
  readonly merge: (database: string, rows: readonly RemoteRow[]) => Promise<void>;
}

interface Unknown {
  readonly table: string;
  readonly id: Id;
  readonly from: readonly string[];
  /** Whether it was said where the record is: then somebody had it. */
  readonly isPlaced: boolean;
}

export class HomeWriter {
  readonly #options: HomeWriterOptions;

  constructor(options: HomeWriterOptions) {
    this.#options = options;
  }

  /** Whether a database has tables whose places follow from what is in records. */
  isFor(placement: Placement, database: string): boolean {
    return placement.tablesByRecord.some((name) => name.startsWith(`${database}.`));
  }

  /** `places`: see `Reply`. */
  submit(
    placement: Placement,
    transaction: StoreTransaction,
    done: (outcome: CommitOutcome, places: readonly RemoteRow[]) => void,
  ): void {
    const fail = (error: unknown) => done({ ok: false, error: errorToData(error) }, []);
    try {
      const unknown = this.#unknown(placement, transaction);
      if (unknown.length === 0) this.#commit(placement, transaction, done);
      else
        Promise.all(unknown.map((one) => this.#bring(transaction.database, one)))
          .then(() => this.#commit(placement, transaction, done))
          .catch(fail);
    } catch (error) {
      fail(error);
    }
  }

  #commit(
    placement: Placement,
    transaction: StoreTransaction,
    done: (outcome: CommitOutcome, places: readonly RemoteRow[]) => void,
  ): void {
    const { engine, residency } = this.#options;
    const { database, changes } = transaction;
    const fresh = [...newPlaces(placement, residency.places, transaction).values()].filter(
      ({ residence }) => residence !== undefined,
    );
    const entries = fresh.map(({ table, id, residence }) => residency.places.change(table, id, placeText(residence)));
    entries.push(...this.#entriesAnew(placement, transaction));
    if (entries.length === 0) return engine.submitHere(transaction, (outcome) => done(outcome, []));
    engine.submitHere({ ...transaction, changes: [...changes, ...entries] }, (outcome) => {
      if (!outcome.ok) return done(outcome, []);
      const places = fresh.flatMap(({ table, id }) => residency.places.rows(database, table, [id]));
      done({ ...outcome, written: outcome.written.slice(0, changes.length) }, places);
    });
  }

  /** Of records that are gone and come again: another node may just be taking the entry back. */
  #entriesAnew(placement: Placement, { database, changes }: StoreTransaction): Change[] {
    const { engine, residency } = this.#options;
    const store = engine.store(database);
    return changes.flatMap(({ op, table, id }) => {
      if (op !== 'put' || id === null || !placement.isByRecord(database, table)) return [];
      const [row] = store?.readThese(table, [id]) ?? [];
      const entry = row?.body ? undefined : residency.places.entry(database, table, id);
      return entry ? residency.places.change(table, id, entry.place) : [];
    });
  }

  /** Records that are not here, though they may be elsewhere. */
  #unknown(placement: Placement, transaction: StoreTransaction): readonly Unknown[] {
    const { engine, node, members, residency } = this.#options;
    const { database, changes, reads = [] } = transaction;
    const store = engine.store(database);
    const unknown: Unknown[] = [];
    const look = (table: string, id: Id, isConditional: boolean) => {
      if (!placement.isByRecord(database, table) || (store?.readThese(table, [id]).length ?? 0) > 0) return;
      const isPlaced = residency.places.entry(database, table, id) !== undefined;
      // Of before there were places, or on any nodes.
      const others = isPlaced ? members.othersWith(database) : placement.answering(database, table, id);
      if (!isPlaced && (!isConditional || others.includes(node))) return;
      unknown.push({ table, id, from: others.filter((member) => member !== node), isPlaced });
    };
    const read = new Set(reads.map(([table, id]) => `${table}\n${id}`));
    for (const { table, id, if: condition } of changes)
      if (id !== null) look(table, id, condition !== undefined || read.has(`${table}\n${id}`));
    return unknown;
  }

  /** Rejects with UNREACHABLE where nobody who might know can be asked. */
  async #bring(database: string, { table, id, from, isPlaced }: Unknown): Promise<void> {
    const { ask, members, merge } = this.#options;
    const question: Question = { type: 'trace', database, table, id };
    const away: string[] = [];
    const rows: RemoteRow[] = [];
    await Promise.all(
      from.map(async (member) => {
        try {
          const reply = await ask(member, question, askingLimits.readMs);
          if (reply.type === 'trace' && reply.row) rows.push(reply.row);
        } catch (error) {
          if (!(error instanceof Unanswered)) throw error;
          away.push(member);
        }
      }),
    );
    const isMissing = isPlaced ? away.length > 0 : away.length === from.length;
    if (rows.length === 0 && isMissing)
      throw unreachable(`The record ${JSON.stringify(id)} of ${table}`, away, members);
    if (rows.length > 0) await merge(database, rows);
  }
}
