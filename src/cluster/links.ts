// The connections of this node to other members: one to each, kept up. Of two nodes the one with the smaller id dials. On a connection every
// database has a channel of its own; a conversation that ends takes the connection with it, and both begin anew after a pause.

import type { Clock } from '../base/index.ts';
import { type Credentials, type DialOptions, dial, type Listener, listen, type SecureChannel } from '../net/index.ts';
import { encodeFrame, FrameSplitter, type Link, type Message, type Replicator } from '../replication/index.ts';
import { identityFrom } from './certificates.ts';

export interface Peer {
  readonly node: string;
  readonly host: string;
  readonly port: number;
}

export interface LinksOptions {
  readonly cluster: string;
  readonly node: string;
  readonly clock: Clock;
  readonly credentials: () => Credentials;
  readonly databases: () => ReadonlyMap<string, Replicator>;
  /** Whether a node is a member and not removed. */
  readonly isMember: (node: string) => boolean;
  /** Between 0 and 1. */
  readonly random: () => number;
  readonly report: (report: LinkReport) => void;
}

export type LinkReport =
  | { readonly type: 'connected'; readonly peer: string; readonly address: string }
  | { readonly type: 'disconnected'; readonly peer: string; readonly reason: string }
  | { readonly type: 'refused'; readonly address: string; readonly reason: string };

const dialTimeoutMs = 5_000;
const firstPauseMs = 200;
const longestPauseMs = 30_000;

interface Kept {
  readonly peer: Peer;
  pauseMs: number;
  giveUp: () => void;
}

export class Links {
  readonly #options: LinksOptions;
  readonly #kept = new Map<string, Kept>();
  readonly #open = new Map<string, Connection>();
  #listener: Listener | undefined;
  #isStopped = false;

  constructor(options: LinksOptions) {
    this.#options = options;
  }

  /** Lets members connect. Resolves to the port. */
  async listen(host: string, port: number): Promise<number> {
    const { credentials, report } = this.#options;
    this.#listener = await listen({
      host,
      port,
      credentials,
      opened: (channel) => this.#opened(channel, undefined),
      refused: (address, reason) => report({ type: 'refused', address, reason }),
    });
    return this.#listener.port;
  }

  /** Keeps a connection to a member, if it is for this node to dial. */
  keep(peer: Peer): void {
    if (this.#kept.has(peer.node) || peer.node <= this.#options.node) return;
    const kept: Kept = { peer, pauseMs: firstPauseMs, giveUp: () => {} };
    this.#kept.set(peer.node, kept);
    this.#dial(kept);
  }

  /** Lets go of a member: it is removed. */
  drop(node: string): void {
    this.#kept.get(node)?.giveUp();
    this.#kept.delete(node);
    this.#open.get(node)?.close();
  }

  get connected(): readonly string[] {
    return [...this.#open.keys()].sort();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const { giveUp } of this.#kept.values()) giveUp();
    for (const connection of [...this.#open.values()]) connection.close();
    await this.#listener?.close();
  }

  #dial(kept: Kept): void {
    const { host, port, node } = kept.peer;
    const refused = (reason: string) => {
      this.#options.report({ type: 'refused', address: `${host}:${port}`, reason });
      this.#again(kept);
    };
    const attempt: DialOptions = {
      host,
      port,
      credentials: this.#options.credentials(),
      timeoutMs: dialTimeoutMs,
      opened: (channel) => this.#opened(channel, kept),
      refused,
    };
    if (this.#isStopped || this.#kept.get(node) !== kept) return;
    kept.giveUp = dial(attempt);
  }

  /** After a pause that doubles, and differs from node to node so that they do not all come at once. */
  #again(kept: Kept): void {
    if (this.#isStopped || this.#kept.get(kept.peer.node) !== kept) return;
    const timer = setTimeout(() => this.#dial(kept), kept.pauseMs * (0.5 + this.#options.random()));
    kept.pauseMs = Math.min(kept.pauseMs * 2, longestPauseMs);
    kept.giveUp = () => clearTimeout(timer);
  }

  #opened(channel: SecureChannel, kept: Kept | undefined): ReturnType<DialOptions['opened']> {
    const { report, clock, databases } = this.#options;
    const peer = this.#memberOn(channel, kept);
    if (peer === undefined) {
      channel.close();
      return { bytes: () => {}, closed: () => kept && this.#again(kept) };
    }
    this.#open.get(peer)?.close();
    const connection = new Connection(channel, peer, databases(), () => clock.nowMs());
    this.#open.set(peer, connection);
    report({ type: 'connected', peer, address: channel.address });
    if (kept) connection.greet();
    return {
      bytes: (chunk) => {
        if (kept) kept.pauseMs = firstPauseMs;
        connection.bytes(chunk);
      },
      closed: (reason) => {
        if (this.#open.get(peer) === connection) this.#open.delete(peer);
        connection.ended(reason);
        report({ type: 'disconnected', peer, reason });
        if (kept) this.#again(kept);
      },
    };
  }

  /** Who is there by the certificate; undefined, and reported, when it is nobody to talk to. */
  #memberOn(channel: SecureChannel, kept: Kept | undefined): string | undefined {
    const { cluster, isMember, report } = this.#options;
    const identity = identityFrom(channel.subjectAltNames);
    const reason = !identity
      ? 'The certificate names no node of a cluster.'
      : identity.cluster !== cluster
        ? `The node ${identity.node} belongs to the cluster ${identity.cluster}.`
        : kept && identity.node !== kept.peer.node
          ? `There is the node ${identity.node}, not ${kept.peer.node}.`
          : isMember(identity.node)
            ? undefined
            : `The node ${identity.node} is no member, or was removed.`;
    if (reason === undefined) return identity?.node;
    report({ type: 'refused', address: channel.address, reason });
    return undefined;
  }
}

/** One connection and the conversations on it. The side that dialled numbers the channels. */
class Connection {
  readonly #channel: SecureChannel;
  readonly #peer: string;
  readonly #databases: ReadonlyMap<string, Replicator>;
  readonly #nowMs: () => number;
  readonly #splitter = new FrameSplitter();
  readonly #links = new Map<number, Link>();
  #isOver = false;

  constructor(channel: SecureChannel, peer: string, databases: ReadonlyMap<string, Replicator>, nowMs: () => number) {
    this.#channel = channel;
    this.#peer = peer;
    this.#databases = databases;
    this.#nowMs = nowMs;
  }

  greet(): void {
    for (const [number, replicator] of [...this.#databases.values()].entries()) this.#converse(number, replicator);
  }

  bytes(chunk: Uint8Array): void {
    for (const split of this.#splitter.push(chunk)) {
      if (this.#isOver) return;
      if (split.ok) this.#receive(split.frame.channel, split.frame.message);
      else if (this.#links.size === 0) this.close();
      else for (const link of this.#links.values()) link.handle({ ...split, type: 'unreadable' });
    }
  }

  close(): void {
    this.#channel.close();
    this.ended('This node closed the connection.');
  }

  ended(reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const link of [...this.#links.values()]) link.handle({ type: 'disconnected', reason });
  }

  #receive(number: number, message: Message): void {
    const known = this.#links.get(number);
    if (known) return known.receive(message, this.#nowMs());
    const replicator = message.type === 'hello' ? this.#databases.get(message.database) : undefined;
    if (replicator) return this.#converse(number, replicator).receive(message, this.#nowMs());
    // A database that is not here has nothing to say; the others on this connection have.
    if (message.type !== 'hello') return;
    const bye = {
      type: 'bye',
      code: 'WRONG_DATABASE',
      message: `There is no database ${message.database} here.`,
    } as const;
    this.#channel.send(encodeFrame(number, bye));
  }

  #converse(number: number, replicator: Replicator): Link {
    const channel = {
      send: (message: Message) => this.#channel.send(encodeFrame(number, message)),
      end: (code: string) => {
        this.#links.delete(number);
        if (code !== 'WRONG_DATABASE' && !this.#isOver) this.#channel.close();
      },
    };
    const link = replicator.connect(channel, { sends: true, receives: true, identity: this.#peer });
    this.#links.set(number, link);
    return link;
  }
}
