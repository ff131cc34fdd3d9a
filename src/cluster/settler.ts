// Brings records whose places code chooses by what is in them to where they belong. Of each record this node has:
//
//   a home, and the code gives another place ── brings it there ──▶ says so: writes the entry
//   a home, and the entry has changed ── hands what it has to the other homes ──▶ at rest
//   no home ── hands what it has to all homes; each has it on disk, and knows the same entry ──▶ waits ──▶ takes it out
//
// What is handed over is merged, so nothing is lost whoever wrote meanwhile; it is looked at again whenever the log names it. Nothing happens while
// members come and go: then moves.ts has its turn.

import type { Id } from '../records/index.ts';
import type { RemoteRow } from '../store/index.ts';
import { askingLimits, type Question, Unanswered } from './asking.ts';
import { FollowedLog, type Named } from './followed-log.ts';
import type { HomeWriterOptions } from './home-writer.ts';
import { PlaceCollector } from './place-collector.ts';
import type { Placement } from './placement.ts';
import { type PlaceEntry, partsOf, placeText, residenceFrom } from './places.ts';
import type { ClusterLog } from './troubles.ts';

export interface SettlerOptions extends HomeWriterOptions {
  readonly isReachable: (member: string) => boolean;
  readonly nowMs: () => number;
  readonly log: ClusterLog;
}

/** Records looked at in one go. */
const recordsAtOnce = 500;
/** How soon what could not be done is tried again, in ms. */
const againMs = 1_000;

/** A record to be handed to others. */
interface Handed {
  readonly name: string;
  readonly id: Id;
  readonly row: RemoteRow;
  readonly entry: PlaceEntry | undefined;
  readonly targets: readonly string[];
  /** The place it is to have; absent: it has it. */
  readonly moveTo?: string;
  /** Whether this node is to have it no more. */
  readonly isLeaving: boolean;
}

interface Leaving extends Handed {
  readonly sinceMs: number;
}

export class Settler {
  readonly #options: SettlerOptions;
  readonly #followed: FollowedLog;
  readonly #collector: PlaceCollector;
  /** Handed to all homes, and still here for those who have not heard. */
  readonly #leaving = new Map<string, Leaving>();
  readonly #moving = new Set<string>();
  #againAtMs = 0;
  #isBusy = false;
  #isStopped = false;
  #trouble = '';

  constructor(options: SettlerOptions) {
    this.#options = options;
    this.#collector = new PlaceCollector(options);
    this.#followed = new FollowedLog(options.engine, options.residency.places);
  }

  /** Records that are not where they belong, as far as this node knows. */
  get due(): number {
    return this.#followed.size + this.#leaving.size;
  }

  /** What others have just handed to this node stays. */
  keep(name: string, ids: readonly Id[]): void {
    for (const id of ids) {
      if (!this.#leaving.delete(keyOf(name, id))) continue;
      this.#followed.again(name, id, false);
    }
  }

  /** Whether this node is about to say that a record is elsewhere. */
  isMoving(name: string, id: Id): boolean {
    return this.#moving.has(keyOf(name, id));
  }

  /** A few times a second: goes on, unless it is about it. */
  tick(): void {
    const { residency, log } = this.#options;
    const { placement } = residency;
    if (this.#isBusy || this.#isStopped || !placement?.isSettled || placement.tablesByRecord.length === 0) return;
    this.#isBusy = true;
    this.#step(placement)
      .catch((error: unknown) => {
        const trouble = String(error);
        if (!this.#isStopped && trouble !== this.#trouble)
          log('error', `Records could not be brought to their places, and it is tried again: ${trouble}`);
        this.#trouble = trouble;
      })
      .finally(() => {
        this.#isBusy = false;
      });
  }

  stop(): void {
    this.#isStopped = true;
  }

  async #step(placement: Placement): Promise<void> {
    const { nowMs } = this.#options;
    this.#followed.follow(placement.tablesByRecord, placement.currentText ?? '');
    this.#takeOut(placement);
    const isAgain = nowMs() >= this.#againAtMs;
    if (isAgain) this.#againAtMs = nowMs() + againMs;
    for (const name of placement.tablesByRecord) {
      const named = this.#followed.take(name, recordsAtOnce, isAgain);
      let handed: readonly Handed[] = [];
      try {
        handed = named.flatMap((one) => this.#look(placement, name, one) ?? []);
        for (const { id, moveTo } of handed) if (moveTo !== undefined) this.#moving.add(keyOf(name, id));
        const reached = await this.#hand(placement, name, handed);
        await Promise.all(handed.map((one) => this.#handed(one, reached, placement.currentText)));
      } catch (error) {
        for (const { id, isNews } of named) this.#followed.again(name, id, isNews);
        throw error;
      } finally {
        for (const { id } of handed) this.#moving.delete(keyOf(name, id));
      }
    }
    await this.#followed.save(nowMs());
    await this.#collector.step(placement).catch((error: unknown) => {
      if (!(error instanceof Unanswered)) throw error;
    });
  }

  /** What is to be done with a record. Undefined: nothing, now. */
  #look(placement: Placement, name: string, { id, isNews }: Named): Handed | undefined {
    const { engine, node, residency, isReachable, nowMs } = this.#options;
    const [database, table] = partsOf(name);
    const [row] = engine.store(database)?.readThese(table, [id]) ?? [];
    if (!row) return undefined;
    const entry = residency.places.entry(database, table, id);
    const isGone = row.body === null || (row.expires !== null && row.expires <= nowMs());
    const homes = placement.homes(name, id);
    const isHome = homes.includes(node);
    const others = homes.filter((home) => home !== node);
    // Every member hears of a deletion.
    if (isGone) return undefined;
    if (!isHome) return { name, id, row, entry, targets: others, isLeaving: true };
    const wanted = this.#wantedPlace(placement, name, row) ?? entry?.place ?? '';
    if (wanted !== (entry?.place ?? '')) {
      // One of the homes does it.
      if (homes.find((home) => home === node || isReachable(home)) !== node) {
        this.#followed.again(name, id, isNews);
        return undefined;
      }
      const place = residenceFrom(wanted);
      const targets = placement.homes(name, id, () => place).filter((home) => home !== node);
      return { name, id, row, entry, targets, moveTo: wanted, isLeaving: false };
    }
    // Who wrote both, and nothing else, tells the others itself.
    const isFresh = row.merge === null && entry?.stamp === `${row.version}/${row.origin}`;
    return isNews && !isFresh && others.length > 0
      ? { name, id, row, entry, targets: others, isLeaving: false }
      : undefined;
  }

  /** Undefined where the code fails: then the record stays where it is. */
  #wantedPlace(placement: Placement, name: string, row: RemoteRow): string | undefined {
    try {
      return placeText(placement.placeFor(name, JSON.parse(row.body ?? 'null')));
    } catch {
      return undefined;
    }
  }

  /** By record, the nodes that have taken it. */
  async #hand(
    placement: Placement,
    name: string,
    handed: readonly Handed[],
  ): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
    const taken = new Map<string, Set<string>>();
    const targets = new Set(handed.flatMap((one) => one.targets));
    await Promise.all(
      [...targets].map(async (target) => {
        for (const isMove of [true, false]) {
          const wanted = handed.filter((one) => one.targets.includes(target) && (one.moveTo !== undefined) === isMove);
          for (const part of partsOfAtMost(askingLimits.moveBytes, wanted)) {
            const refused = await this.#handTo(placement, target, name, part, isMove);
            if (!refused) continue;
            for (const { id } of part)
              if (!refused.has(id)) taken.set(keyOf(name, id), (taken.get(keyOf(name, id)) ?? new Set()).add(target));
          }
        }
      }),
    );
    return taken;
  }

  /** Ids that the node did not take; undefined: none. */
  async #handTo(
    placement: Placement,
    target: string,
    name: string,
    part: readonly Handed[],
    isMove: boolean,
  ): Promise<ReadonlySet<Id> | undefined> {
    const { ask, merge, residency } = this.#options;
    const [database, table] = partsOf(name);
    const places = residency.places.rows(
      database,
      table,
      part.map(({ id }) => id),
    );
    const rows = part.map(({ row }) => row);
    const epoch = placement.currentText ?? '';
    try {
      const question: Question = { type: 'take', epoch, database, table, rows, places, isMove };
      const reply = await ask(target, question, askingLimits.workMs);
      if (reply.type === 'failed') throw new Error(reply.error.message);
      if (reply.type !== 'taken') return undefined;
      const news = residency.places.newsIn(database, reply.places);
      if (news.length > 0) await merge(database, news);
      return new Set(reply.refused);
    } catch (error) {
      if (error instanceof Unanswered) return undefined;
      throw error;
    }
  }

  async #handed(
    one: Handed,
    taken: ReadonlyMap<string, ReadonlySet<string>>,
    epoch: string | undefined,
  ): Promise<void> {
    const { isReachable, nowMs } = this.#options;
    const { name, id, targets, moveTo, isLeaving } = one;
    const took = taken.get(keyOf(name, id)) ?? new Set();
    const missing = targets.filter((target) => !took.has(target));
    if (moveTo !== undefined) {
      // A home that is away gets it when it is back: this node keeps it until then.
      const canMove = missing.every((target) => !isReachable(target)) && (took.size > 0 || targets.length === 0);
      if (!canMove || !(await this.#say(one, moveTo, epoch))) this.#followed.again(name, id, true);
    } else if (missing.length > 0) this.#followed.again(name, id, true);
    else if (isLeaving) {
      this.#followed.hold(name, id);
      this.#leaving.set(keyOf(name, id), { ...one, sinceMs: nowMs() });
    }
  }

  /** False: the record, or what is said of it, has changed meanwhile. */
  #say({ name, id, row, entry }: Handed, place: string, epoch: string | undefined): Promise<boolean> {
    const { engine, residency } = this.#options;
    const [database, table] = partsOf(name);
    const isNow = residency.placement?.currentText === epoch;
    if (!isNow || !this.#isSame(name, id, row, entry)) return Promise.resolve(false);
    const change = residency.places.change(table, id, place);
    return new Promise((resolve) =>
      engine.submitHere({ database, changes: [change] }, (outcome) => resolve(outcome.ok)),
    );
  }

  /** After a while, so that who looks for it at the same time finds it somewhere. */
  #takeOut(placement: Placement): void {
    const { engine, node, nowMs } = this.#options;
    const going = new Map<string, Id[]>();
    for (const [key, { name, id, row, entry, sinceMs }] of this.#leaving) {
      if (nowMs() - sinceMs < askingLimits.lingerMs) break;
      this.#leaving.delete(key);
      if (placement.homes(name, id).includes(node) || !this.#isSame(name, id, row, entry))
        this.#followed.again(name, id, true);
      else going.set(name, [...(going.get(name) ?? []), id]);
    }
    for (const [name, ids] of going) {
      const [database, table] = partsOf(name);
      engine.leaveThese(database, table, ids);
      for (const id of ids) this.#followed.release(name, id);
    }
  }

  #isSame(name: string, id: Id, before: RemoteRow, entry: PlaceEntry | undefined): boolean {
    const { engine, residency } = this.#options;
    const [database, table] = partsOf(name);
    const [row] = engine.store(database)?.readThese(table, [id]) ?? [];
    return (
      row !== undefined &&
      row.version === before.version &&
      row.origin === before.origin &&
      row.merge === before.merge &&
      residency.places.entry(database, table, id)?.stamp === entry?.stamp
    );
  }
}

function keyOf(name: string, id: Id): string {
  return `${name}\n${typeof id}${id}`;
}

/** In parts of about so many bytes. */
function partsOfAtMost(bytes: number, handed: readonly Handed[]): Handed[][] {
  const parts: Handed[][] = [];
  let left = 0;
  for (const one of handed) {
    const size = 100 + (one.row.body?.length ?? 0) + (one.row.merge?.length ?? 0);
    if (left < size || parts.length === 0) {
      parts.push([]);
      left = bytes;
    }
    parts.at(-1)?.push(one);
    left -= size;
  }
  return parts;
}
