// The connections of this node to other members: one to each, kept up. Of two members the one with the smaller id dials, and
// the other when that has not come about for a while: it may have moved; what a route in the configuration names is dialled by this node. A connection that breaks is made anew after a pause that grows while it does not last.

import type { Clock } from '../base/index.ts';
import type { Channel, ChannelHandlers, DialOptions, Listener, Transport } from '../net/index.ts';
import { FrameEncoder, type Replicator } from '../replication/index.ts';
import { identityFrom } from './certificates.ts';
import { Connection } from './connection.ts';

/** Where to dial. */
export interface Peer {
  /** Undefined: whoever is there. */
  readonly node: string | undefined;
  readonly host: string;
  readonly port: number;
}

/** What goes which way between this node and another. */
export interface Ways {
  readonly sends: boolean;
  readonly receives: boolean;
}

export interface LinksOptions {
  readonly cluster: string;
  readonly node: string;
  readonly clock: Clock;
  readonly transport: Transport;
  readonly databases: () => ReadonlyMap<string, Replicator>;
  readonly makeDatabase: (database: string) => Promise<Replicator | undefined>;
  /** Why nobody talks to a node that shows this certificate; undefined: it is welcome. */
  readonly refusal: (node: string, certificate: Uint8Array | undefined) => string | undefined;
  readonly ways: (node: string, dialled: Peer | undefined) => Ways;
  /** See `ConnectionOptions`. */
  readonly answer?: (peer: string, question: Uint8Array) => Promise<Uint8Array>;
  /** Somebody without a certificate: wants to join. */
  readonly guest?: (channel: Channel) => ChannelHandlers;
  /** Between 0 and 1. */
  readonly random: () => number;
  readonly report: (report: LinkReport) => void;
}

export type LinkReport =
  | { readonly type: 'connected'; readonly peer: string; readonly address: string }
  | { readonly type: 'disconnected'; readonly peer: string; readonly reason: string }
  /** `peer`: who it was meant to be, where that is known. */
  | { readonly type: 'refused'; readonly address: string; readonly peer: string | undefined; readonly reason: string };

const dialTimeoutMs = 5_000;
const firstPauseMs = 200;
/** How long the one with the larger id waits to be dialled. */
const patienceMs = 3_000;
const longestPauseMs = 30_000;
/** A connection that lasted this long was a good one: after it, pauses are short again. */
const steadyMs = 10_000;
/** How soon it is looked whether a node that is connected by other ways still is. */
const lookAgainMs = 1_000;

interface Kept {
  readonly key: string;
  readonly peer: Peer;
  /** Who was there last time. */
  found: string | undefined;
  /** Before the second attempt. */
  readonly firstPauseMs: number;
  pauseMs: number;
  giveUp: () => void;
}

export class Links {
  readonly #options: LinksOptions;
  readonly #kept = new Map<string, Kept>();
  readonly #open = new Map<string, Connection>();
  readonly #encoder = new FrameEncoder();
  #listener: Listener | undefined;
  #isStopped = false;

  constructor(options: LinksOptions) {
    this.#options = options;
  }

  /** Lets members connect. Resolves to the port. Called again, with certificates as they are now. */
  async listen(host: string, port: number): Promise<number> {
    const { transport, report, guest } = this.#options;
    const before = this.#listener;
    await before?.close(true);
    this.#listener = await transport.listen({
      host,
      port: before?.port ?? port,
      opened: (channel) => this.#opened(channel, undefined),
      ...(guest && { guest }),
      refused: (address, reason) => report({ type: 'refused', address, peer: undefined, reason }),
    });
    return this.#listener.port;
  }

  /** Keeps a connection to a node. */
  keep(peer: Peer): void {
    const { node, host, port } = peer;
    const key = node ?? `${host}:${port}`;
    const before = this.#kept.get(key);
    if (before?.peer.host === host && before.peer.port === port) return;
    before?.giveUp();
    const isPatient = node !== undefined && node < this.#options.node;
    const pauseMs = isPatient ? patienceMs : firstPauseMs;
    const kept: Kept = { key, peer, found: node, firstPauseMs: pauseMs, pauseMs, giveUp: () => {} };
    this.#kept.set(key, kept);
    if (isPatient) this.#again(kept);
    else this.#dial(kept);
  }

  /** No longer keeps connections for other keys than these: ids of nodes, or `host:port` of routes. */
  keepOnly(keys: ReadonlySet<string>): void {
    for (const [key, kept] of this.#kept) {
      if (keys.has(key)) continue;
      kept.giveUp();
      this.#kept.delete(key);
    }
  }

  /** Lets go of a node: it is removed, or its certificate revoked. */
  drop(node: string): void {
    this.#kept.get(node)?.giveUp();
    this.#kept.delete(node);
    this.#open.get(node)?.close(this.#options.refusal(node, this.#open.get(node)?.certificate));
  }

  get connected(): readonly string[] {
    return [...this.#open.keys()].sort();
  }

  get connections(): ReadonlyMap<string, Connection> {
    return this.#open;
  }

  /** This node has a database that it did not have when it connected. */
  databasesChanged(): void {
    for (const connection of this.#open.values()) connection.greet();
  }

  /** About once a second. */
  tick(): void {
    for (const connection of this.#open.values()) connection.tick();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const { giveUp } of this.#kept.values()) giveUp();
    for (const connection of [...this.#open.values()]) connection.close();
    await this.#listener?.close();
  }

  #dial(kept: Kept): void {
    const { peer, key } = kept;
    if (this.#isStopped || this.#kept.get(key) !== kept) return;
    if (kept.found !== undefined && this.#open.has(kept.found)) {
      kept.pauseMs = kept.firstPauseMs;
      return this.#later(kept, Math.max(lookAgainMs, kept.firstPauseMs));
    }
    const { host, port } = peer;
    const attempt: DialOptions = {
      host,
      port,
      timeoutMs: dialTimeoutMs,
      opened: (channel) => this.#opened(channel, kept),
      refused: (reason) => {
        if (this.#isStopped || this.#kept.get(key) !== kept) return;
        this.#options.report({ type: 'refused', address: `${host}:${port}`, peer: peer.node, reason });
        this.#again(kept);
      },
    };
    kept.giveUp = this.#options.transport.dial(attempt);
  }

  /** After a pause that doubles, and differs from node to node so that they do not all come at once. */
  #again(kept: Kept): void {
    this.#later(kept, kept.pauseMs * (0.5 + this.#options.random()));
    kept.pauseMs = Math.min(kept.pauseMs * 2, longestPauseMs);
  }

  #later(kept: Kept, pauseMs: number): void {
    if (this.#isStopped || this.#kept.get(kept.key) !== kept) return;
    const timer = setTimeout(() => this.#dial(kept), pauseMs);
    kept.giveUp = () => clearTimeout(timer);
  }

  #opened(channel: Channel, kept: Kept | undefined): ChannelHandlers {
    const { report, clock, databases, makeDatabase, ways, answer = noAnswer } = this.#options;
    const peer = this.#memberOn(channel, kept);
    if (kept && peer !== undefined) kept.found = peer;
    if (peer === undefined || !this.#isWanted(peer, kept !== undefined)) {
      channel.close();
      return { bytes: () => {}, closed: () => kept && this.#again(kept) };
    }
    this.#open.get(peer)?.close();
    const connection = new Connection({
      channel,
      peer,
      hasDialled: kept !== undefined,
      ...ways(peer, kept?.peer),
      encoder: this.#encoder,
      databases,
      makeDatabase,
      answer,
      nowMs: () => clock.nowMs(),
    });
    this.#open.set(peer, connection);
    report({ type: 'connected', peer, address: channel.address });
    if (kept) connection.greet();
    let isFirst = kept === undefined;
    return {
      bytes: (chunk) => {
        connection.bytes(chunk);
        // What the one that dialled does not have, this node speaks of when that one has spoken.
        if (isFirst) connection.greet();
        isFirst = false;
      },
      closed: (reason) => {
        connection.ended(reason);
        // Where another one has taken its place, nothing ended.
        if (this.#open.get(peer) === connection) {
          this.#open.delete(peer);
          report({ type: 'disconnected', peer, reason: connection.closedFor ?? reason });
        }
        if (!kept) return;
        if (clock.nowMs() - connection.sinceMs > steadyMs) kept.pauseMs = kept.firstPauseMs;
        this.#again(kept);
      },
    };
  }

  /** Two nodes that dial each other keep the connection that the one with the smaller id made, so that they keep the same. */
  #isWanted(peer: string, hasDialled: boolean): boolean {
    const open = this.#open.get(peer);
    if (!open || open.hasDialled === hasDialled) return true;
    return hasDialled ? this.#options.node < peer : peer < this.#options.node;
  }

  /** Who is there by the certificate; undefined, and reported, when it is nobody to talk to. */
  #memberOn(channel: Channel, kept: Kept | undefined): string | undefined {
    const { cluster, node, refusal, report } = this.#options;
    const identity = identityFrom(channel.subjectAltNames);
    const reason = !identity
      ? 'The certificate names no node of a cluster.'
      : identity.cluster !== cluster
        ? `The node ${identity.node} belongs to the cluster ${identity.cluster}.`
        : identity.node === node
          ? 'That is this node itself, or one with a copy of its data folder.'
          : kept?.peer.node !== undefined && identity.node !== kept.peer.node
            ? `There is the node ${identity.node}, not ${kept.peer.node}.`
            : refusal(identity.node, channel.certificate);
    if (reason === undefined) return identity?.node;
    report({ type: 'refused', address: channel.address, peer: kept?.peer.node ?? identity?.node, reason });
    return undefined;
  }
}

/** Of a node that holds nothing that others might ask for. */
const noAnswer = () => Promise.resolve(new Uint8Array());
