// Writes of this node whose answers wait until other members have them on disk. What is waited for is told by acknowledgements; whoever waits too
// long learns what was reached.

import type { Confirmed, Vector } from '../store/index.ts';
import { replicationLimits } from './limits.ts';

export interface ConfirmationsOptions {
  readonly node: string;
  /** Ids of the other members. */
  readonly members: () => readonly string[];
  readonly durableAt: (member: string) => Vector;
  readonly nowMs: () => number;
}

export interface Awaited {
  /** Ids of those that count; undefined: all other members. */
  readonly among: readonly string[] | undefined;
  /** How many of them are to have it. */
  readonly count: number;
  /** Of this node: they are to have its transactions up to this number. */
  readonly seq: number;
}

interface Waiting extends Awaited {
  readonly untilMs: number;
  readonly done: (confirmed: Confirmed) => void;
}

export class Confirmations {
  readonly #options: ConfirmationsOptions;
  #waiting: Waiting[] = [];
  #isStopped = false;

  constructor(options: ConfirmationsOptions) {
    this.#options = options;
  }

  /** Calls `done` once, with the ids of those that have it: when they are enough, time is up, or too many wait already. */
  wait(awaited: Awaited, done: (confirmed: Confirmed) => void): void {
    const waiting: Waiting = { ...awaited, untilMs: this.#options.nowMs() + replicationLimits.confirmMs, done };
    const isLast = this.#isStopped || this.#waiting.length >= replicationLimits.confirmations;
    if (!this.#settle(waiting, isLast)) this.#waiting.push(waiting);
  }

  /** Looks again: someone has acknowledged, or time has passed. */
  look(): void {
    if (this.#waiting.length === 0) return;
    const nowMs = this.#options.nowMs();
    this.#waiting = this.#waiting.filter((waiting) => !this.#settle(waiting, nowMs >= waiting.untilMs));
  }

  /** Nobody waits any longer. */
  stop(): void {
    this.#isStopped = true;
    for (const waiting of this.#waiting.splice(0)) this.#settle(waiting, true);
  }

  #settle(waiting: Waiting, isLast: boolean): boolean {
    const { node, members, durableAt } = this.#options;
    const reached = (waiting.among ?? members()).filter((id) => (durableAt(id).get(node) ?? 0) >= waiting.seq);
    const isEnough = reached.length >= waiting.count;
    if (isEnough || isLast) waiting.done({ isEnough, reached });
    return isEnough || isLast;
  }
}
