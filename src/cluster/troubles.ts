// What goes wrong between nodes: kept for the status, and logged once for as long as it stays the same.

import type { Clock } from '../base/index.ts';
import { closings } from '../net/index.ts';
import type { Report } from '../replication/index.ts';
import type { LinkReport } from './links.ts';

export type ClusterLog = (
  level: 'info' | 'warn' | 'error',
  message: string,
  fields?: Readonly<Record<string, unknown>>,
) => void;

export interface Trouble {
  readonly message: string;
  /** In ms since 1970. */
  readonly atMs: number;
}

/** Places whose last trouble is remembered. */
const mostPlaces = 1_000;
/** Ends of a conversation that are nobody's trouble. */
const ordinary: ReadonlySet<string> = new Set(['REPLACED', 'STOPPING', 'DISCONNECTED', 'WRONG_DATABASE']);

export class Troubles {
  readonly #log: ClusterLog;
  readonly #clock: Clock;
  readonly #nameOf: (node: string) => string;
  readonly #byPeer = new Map<string, Trouble>();
  readonly #said = new Map<string, string>();

  constructor(log: ClusterLog, clock: Clock, nameOf: (node: string) => string) {
    this.#log = log;
    this.#clock = clock;
    this.#nameOf = nameOf;
  }

  /** The last one with a node, by its id or, where that is not known, its address. */
  of(peer: string): Trouble | undefined {
    return this.#byPeer.get(peer);
  }

  link(report: LinkReport): void {
    switch (report.type) {
      case 'connected':
        this.#said.delete(report.peer);
        this.#said.delete(report.address);
        // It ended in good order, and there is another: nothing went wrong.
        if (this.#byPeer.get(report.peer)?.message === closings.there) this.#byPeer.delete(report.peer);
        return this.#log('info', `Connected to ${this.#nameOf(report.peer)} (${report.address}).`);
      case 'disconnected':
        // Why this node did is noted where that was decided.
        if (report.reason !== closings.here) this.#note(report.peer, report.reason);
        return this.#log('info', `Disconnected from ${this.#nameOf(report.peer)}: ${report.reason}`);
      case 'refused': {
        const { peer, address, reason } = report;
        this.#note(peer ?? address, reason);
        const who = peer === undefined ? address : `${this.#nameOf(peer)} (${address})`;
        return this.#sayOnce(peer ?? address, `No connection with ${who}: ${reason}`);
      }
    }
  }

  conversation(database: string, report: Report): void {
    switch (report.type) {
      case 'opened':
      case 'compared':
        return;
      case 'closed': {
        const { peer, code, reason } = report;
        if (ordinary.has(code) || peer === undefined) return;
        this.#note(peer, `${database}: ${reason} (${code})`);
        return this.#sayOnce(
          `${peer} ${database}`,
          `Replication of ${database} with ${this.#nameOf(peer)} broke off: ${reason} (${code})`,
        );
      }
      case 'clash':
        return this.#log(
          'warn',
          `The record ${report.id} of ${database}.${report.table} came from another node with a unique value that another record has. Both are kept; change one of them.`,
        );
      case 'diverged':
        this.#note(report.peer, `${database}.${report.table} differs`);
        return this.#log(
          'error',
          `The table ${database}.${report.table} differs from that of ${this.#nameOf(report.peer)} although both have the same transactions.`,
        );
    }
  }

  #note(place: string, message: string): void {
    remember(this.#byPeer, place, { message, atMs: this.#clock.nowMs() });
  }

  #sayOnce(place: string, message: string): void {
    if (this.#said.get(place) === message) return;
    remember(this.#said, place, message);
    this.#log('warn', message);
  }
}

function remember<T>(map: Map<string, T>, place: string, value: T): void {
  map.delete(place);
  map.set(place, value);
  const [oldest] = map.keys();
  if (map.size > mostPlaces && oldest !== undefined) map.delete(oldest);
}
