// Records go where they belong when members come or go, or tables are spread anew:
//
//   not held ── asks every other member for what it is to have ──▶ held, beside what was held before
//   held by all ── answers for the rest no more: is leaving it, and waits until the others have what it wrote of it
//   leaving ── takes it out, while it still hears of changes ──▶ holds the current alone
//
// So at every moment somebody answers for each record. A member that is away holds this up, and nothing else; one that was removed does not.

import type { Replicator } from '../replication/index.ts';
import type { StoreEngine } from '../store/index.ts';
import { askingLimits, type Question, type Reply, Unanswered } from './asking.ts';
import type { Members } from './members.ts';
import { type Epoch, everything, isHome, leaving, readEpoch } from './placement.ts';
import { partsOf } from './places.ts';
import type { Residency } from './residency.ts';
import type { ClusterLog } from './troubles.ts';

export interface MovesOptions {
  readonly engine: StoreEngine;
  readonly node: string;
  readonly members: Members;
  readonly residency: Residency;
  readonly replicators: ReadonlyMap<string, Replicator>;
  readonly ask: (member: string, question: Question, waitMs: number) => Promise<Reply>;
  readonly log: ClusterLog;
}

export interface MovesStatus {
  /** Copies of each spread table, as `database.table`. */
  readonly tables: Readonly<Record<string, number>>;
  /** Number of a shard → names of its nodes. */
  readonly shards: Readonly<Record<string, readonly string[]>>;
  /** Tables for which code of other members chooses other places than this node's: until it is the same, no record of any table moves. */
  readonly disagreements: readonly { readonly table: string; readonly members: readonly string[] }[];
  /** `settled`: every record is where it belongs, as far as this node is concerned. */
  readonly state: 'settled' | 'receiving' | 'waiting' | 'leaving';
  /** Names of members that are waited for. */
  readonly waitingFor: readonly string[];
  /** Records received in the last move, and taken out here after it. */
  readonly received: number;
  readonly left: number;
}

/** Epochs a node holds beside each other, at most: of the ones between, it is the oldest and the newest that count. */
const mostHeld = 16;
/** Ticks before it is tried again. */
const ticksAfterTrouble = 2;
/** Ticks after which it is told that members place records differently. */
const ticksOfDisagreement = 20;

export class Moves {
  readonly #options: MovesOptions;
  #isMoving = false;
  #isStopped = false;
  #copies = 0;
  /** Members that have sent all there is to be had of them in an epoch: not asked again when another is away. */
  #done: { readonly epoch: string; readonly members: Set<string> } = { epoch: '', members: new Set() };
  #pause = 0;
  #trouble = '';
  #disagreed = 0;
  #told: readonly string[] = [];
  #hasSwept = false;
  #written: ReadonlyMap<string, number> | undefined;
  #received = 0;
  #left = 0;
  #state: MovesStatus['state'] = 'waiting';
  #waitingFor: readonly string[] = [];

  constructor(options: MovesOptions) {
    this.#options = options;
  }

  /** Undefined: no table is spread. */
  status(): MovesStatus | undefined {
    const { residency, members } = this.#options;
    residency.look();
    const { current, currentText } = residency.placement ?? {};
    if (!current || Object.keys(current.tables).length === 0) return undefined;
    const holds = members.own?.holds ?? [];
    // Of members that it has just heard of.
    const isBehind = this.#state === 'settled' && (holds.length !== 1 || holds[0] !== currentText);
    return {
      tables: current.tables,
      shards: residency.shards,
      disagreements: residency.disagreements,
      state: isBehind ? 'receiving' : this.#state,
      waitingFor: this.#waitingFor.map((id) => this.#options.members.nameOf(id)),
      received: this.#received,
      left: this.#left,
    };
  }

  /** A copy of all rows came in, without those that its sender does not hold. */
  copied(): void {
    this.#copies++;
  }

  /** A few times a second: goes on, unless it is about it. */
  tick(): void {
    this.#tellDisagreements();
    if (this.#pause > 0) {
      this.#pause--;
      return;
    }
    if (this.#isMoving || this.#isStopped || !this.#options.residency.placement?.currentText) return;
    this.#isMoving = true;
    this.#step()
      .catch((error: unknown) => {
        this.#pause = ticksAfterTrouble;
        const trouble = String(error);
        if (error instanceof Unanswered || this.#isStopped || trouble === this.#trouble) return;
        this.#trouble = trouble;
        this.#options.log('error', `Records could not be moved, and it is tried again: ${trouble}`);
      })
      .finally(() => {
        this.#isMoving = false;
      });
  }

  #tellDisagreements(): void {
    const { residency, log } = this.#options;
    const told = residency.disagreements.map(
      ({ table, members }) =>
        `The nodes of ${table} are chosen (setResidency, setResidencyById) by another function on ${members.join(', ')} than here: no records move, and each is kept where it is, until all members run the same code.`,
    );
    // While members are given the same code one after the other, there is nothing to tell.
    this.#disagreed = told.length === 0 ? 0 : this.#disagreed + 1;
    if (this.#disagreed < ticksOfDisagreement && told.length > 0) return;
    for (const text of told) if (!this.#told.includes(text)) log('error', text);
    this.#told = told;
  }

  stop(): void {
    this.#isStopped = true;
  }

  get #others(): readonly string[] {
    return this.#options.members.others.map(({ id }) => id);
  }

  async #step(): Promise<void> {
    const { members, residency } = this.#options;
    const placement = residency.placement;
    const own = members.own;
    if (!placement?.current || placement.currentText === undefined || !own || own.removed) return;
    if (!placement.current.nodes.includes(own.id)) return;
    const { current, currentText } = placement;
    const holds = own.holds ?? [everything];
    if (this.#copies > 0 && holds.includes(currentText)) {
      this.#copies = 0;
      this.#done = { epoch: '', members: new Set() };
      return this.#hold([]);
    }
    if (!holds.includes(currentText)) {
      if (this.#copies > 0 || this.#done.epoch !== currentText) this.#done = { epoch: currentText, members: new Set() };
      this.#copies = 0;
      await this.#receive(placement.spreadTables, current, currentText, holds);
      if (this.#isStopped || this.#copies > 0 || residency.placement?.currentText !== currentText) return;
      const kept = holds.length < mostHeld ? holds : [...holds.slice(0, 1), ...holds.slice(2 - mostHeld)];
      return this.#hold([...kept, currentText]);
    }
    const missing = current.nodes.filter((id) => id !== own.id && !members.all.get(id)?.holds?.includes(currentText));
    const isLeaving = holds.some((text) => text !== currentText);
    this.#waitingFor = missing;
    this.#state = missing.length > 0 ? 'waiting' : isLeaving ? 'leaving' : 'settled';
    if (missing.length > 0 || (!isLeaving && this.#hasSwept)) return;
    if (isLeaving) {
      if (holds.some((text) => text !== currentText && !text.startsWith(leaving))) {
        this.#left = 0;
        this.#written = undefined;
        return this.#hold([
          currentText,
          ...holds.filter((text) => text !== currentText).map((text) => leaving + text.replace(leaving, '')),
        ]);
      }
      if (!this.#isSent()) return;
      if (!(await this.#takeOut(current, currentText))) return;
      return this.#hold([currentText]);
    }
    // What came in while it was taken out, or before this node was stopped.
    this.#hasSwept = await this.#takeOut(current, currentText);
  }

  async #hold(holds: readonly string[]): Promise<void> {
    const { members, node, residency } = this.#options;
    this.#hasSwept = false;
    await members.write(node, { holds });
    residency.refresh();
  }

  /** Rejects with `Unanswered` when a member is away: then it is begun anew. */
  async #receive(
    tables: readonly string[],
    current: Epoch,
    currentText: string,
    holds: readonly string[],
  ): Promise<void> {
    const { members, engine, ask, replicators } = this.#options;
    this.#state = 'receiving';
    if (this.#done.members.size === 0) this.#received = 0;
    const answered = holds.filter((text) => !text.startsWith(leaving));
    const before = answered.flatMap((text) => readEpoch(text) ?? []);
    // Of a member that is gone, what it alone had told is looked for once more with all others.
    const hasShrunk = before.some(({ nodes }) => nodes.some((id) => !current.nodes.includes(id)));
    const known = hasShrunk ? [] : answered.filter((text) => text !== everything);
    for (const member of this.#others) {
      if (this.#done.members.has(member)) continue;
      const theirs = members.all.get(member)?.holds;
      if ((theirs?.includes(everything) ?? true) && holds.includes(everything)) continue;
      this.#waitingFor = [member];
      for (const name of tables) {
        const [database, table] = partsOf(name);
        if (!members.othersWith(database).includes(member)) continue;
        const replicator = replicators.get(database);
        if (!replicator) throw new Unanswered(`${database} does not replicate here yet`, false);
        for (let after: number | null = 0; after !== null && !this.#isStopped; ) {
          const question: Question = { type: 'move', epoch: currentText, known, database, table, after };
          const reply: Reply = await ask(member, question, askingLimits.workMs);
          if (reply.type !== 'rows')
            throw new Unanswered(`${member} does not know of the members there are now`, false);
          const outcome = await replicator.merge(reply.rows);
          if (!outcome.ok)
            throw new Error(`records of ${name} from ${members.nameOf(member)}: ${JSON.stringify(outcome.refusal)}`);
          this.#received += reply.rows.length;
          after = reply.next;
        }
      }
      if (!this.#isStopped) this.#done.members.add(member);
    }
    for (const database of engine.databases) await new Promise<void>((done) => engine.whenDurable(database, done));
    this.#waitingFor = [];
  }

  /**
   * Whether the other members have on disk all that was written here before it left: a row that is taken out can not be sent any more. What
   * is written is looked up one tick after leaving, when nothing of before is under way.
   */
  #isSent(): boolean {
    const { engine, node, members, replicators } = this.#options;
    if (this.#written === undefined) {
      this.#written = new Map(
        [...replicators.keys()].map((database) => [database, engine.store(database)?.vector().get(node) ?? 0]),
      );
    }
    this.#waitingFor = this.#others.filter((id) =>
      [...(this.#written ?? [])].some(
        ([database, seq]) =>
          members.othersWith(database).includes(id) && (replicators.get(database)?.durableAt(id).get(node) ?? 0) < seq,
      ),
    );
    return this.#waitingFor.length === 0;
  }

  /** False: the members have changed meanwhile. */
  async #takeOut(current: Epoch, currentText: string): Promise<boolean> {
    const { engine, node, residency } = this.#options;
    for (const name of Object.keys(current.tables)) {
      const [database, table] = partsOf(name);
      // Those are handed to who is to have them, one by one: see settler.ts.
      if (residency.placement?.isByRecord(database, table)) continue;
      for (let after: number | null = 0; after !== null; ) {
        if (this.#isStopped || residency.placement?.currentText !== currentText) return false;
        after = engine.leave(database, table, after, (id) => {
          const goes = !isHome(current, node, name, id);
          if (goes) this.#left++;
          return goes;
        });
        await Bun.sleep(0);
      }
    }
    return true;
  }
}
