// What TCP gives and no more: connections that deliver in order or break, after any delay; bytes under way are lost when they break, and each
// side learns of it in its own time. A direction that is blocked holds what is sent until it opens again or the connection is given up.

import { encodeFrame, FrameSplitter, type Link } from '../../src/replication/index.ts';
import type { Random } from './random.ts';
import type { SimNode } from './sim-node.ts';
import type { World } from './world.ts';

/** Two nodes that may connect, and who sends changes. */
export interface Pair {
  readonly a: SimNode;
  readonly b: SimNode;
  readonly aSends: boolean;
  readonly bSends: boolean;
}

interface Side {
  readonly node: SimNode;
  readonly life: number;
  link: Link | undefined;
  readonly splitter: FrameSplitter;
  lastMs: number;
  isOpen: boolean;
  /** What is under way from here, in order. */
  readonly underWay: Uint8Array[];
  /** Of these, how many were due while the direction was blocked. */
  overdue: number;
}

export class Network {
  readonly #world: World;
  readonly #random: Random;
  readonly pairs: readonly Pair[];
  /** Directions `from>to` that nothing passes. */
  readonly blocked = new Set<string>();
  readonly #connections = new Set<Connection>();
  maxDelayMs = 50;
  /** Messages sent, by type. */
  readonly sent = new Map<string, number>();

  constructor(world: World, random: Random, pairs: readonly Pair[]) {
    this.#world = world;
    this.#random = random;
    this.pairs = pairs;
  }

  /** Starts trying to keep every pair connected. */
  start(): void {
    for (const pair of this.pairs) this.#dial(pair);
  }

  block(from: SimNode, to: SimNode): void {
    this.blocked.add(`${from.id}>${to.id}`);
  }

  heal(): void {
    this.blocked.clear();
    for (const connection of this.#connections) connection.unblocked();
  }

  breakSome(probability: number): void {
    for (const connection of [...this.#connections]) if (this.#random.chance(probability)) connection.break();
  }

  /** The connections of a node that went down. */
  lost(node: SimNode): void {
    for (const connection of [...this.#connections]) if (connection.joins(node)) connection.break();
  }

  isBlocked(from: SimNode, to: SimNode): boolean {
    return this.blocked.has(`${from.id}>${to.id}`);
  }

  delayMs(): number {
    return this.#random.between(1, this.#random.chance(0.05) ? this.maxDelayMs * 20 : this.maxDelayMs);
  }

  ended(connection: Connection): void {
    this.#connections.delete(connection);
  }

  #dial(pair: Pair): void {
    const { a, b } = pair;
    const isConnected = [...this.#connections].some((one) => one.pair === pair && !one.isBroken);
    if (!isConnected && a.isUp && b.isUp && !this.isBlocked(a, b) && !this.isBlocked(b, a)) {
      this.#connections.add(new Connection(this.#world, this, pair));
    }
    this.#world.after(this.#random.between(50, 2000), () => this.#dial(pair));
  }
}

class Connection {
  readonly pair: Pair;
  isBroken = false;
  readonly #world: World;
  readonly #network: Network;
  readonly #sides: readonly [Side, Side];

  constructor(world: World, network: Network, pair: Pair) {
    this.#world = world;
    this.#network = network;
    this.pair = pair;
    const side = (node: SimNode): Side => ({
      node,
      life: node.life,
      link: undefined,
      splitter: new FrameSplitter(),
      lastMs: 0,
      isOpen: true,
      underWay: [],
      overdue: 0,
    });
    this.#sides = [side(pair.a), side(pair.b)];
    const [a, b] = this.#sides;
    this.#attach(a, b, pair.aSends, pair.bSends);
    this.#attach(b, a, pair.bSends, pair.aSends);
  }

  joins(node: SimNode): boolean {
    return this.#sides.some((side) => side.node === node);
  }

  unblocked(): void {
    const [a, b] = this.#sides;
    this.#resume(a, b);
    this.#resume(b, a);
  }

  /** Each side learns of it after a while, the other perhaps much later. */
  break(): void {
    if (this.isBroken) return;
    this.isBroken = true;
    for (const side of this.#sides)
      this.#world.after(this.#network.delayMs(), () => {
        if (isAlive(side) && side.isOpen) side.link?.handle({ type: 'disconnected', reason: 'the connection broke' });
        side.isOpen = false;
      });
    this.#network.ended(this);
  }

  #attach(side: Side, other: Side, sends: boolean, receives: boolean): void {
    side.link = side.node.replicator.connect(
      {
        send: (message) => {
          if (!side.isOpen) return;
          const { sent } = this.#network;
          sent.set(message.type, (sent.get(message.type) ?? 0) + 1);
          this.#transmit(side, other, encodeFrame(0, message));
        },
        end: () => {
          // What was said before, the reason included, still arrives.
          side.isOpen = false;
          this.#world.after(this.#network.delayMs() * 2, () => this.break());
        },
      },
      { sends, receives, identity: other.node.id },
    );
  }

  #transmit(from: Side, to: Side, bytes: Uint8Array): void {
    if (this.isBroken) return;
    from.underWay.push(bytes);
    from.lastMs = Math.max(from.lastMs, this.#world.nowMs + this.#network.delayMs());
    this.#world.after(from.lastMs - this.#world.nowMs, () => this.#deliver(from, to));
  }

  #resume(from: Side, to: Side): void {
    for (; from.overdue > 0; from.overdue--) this.#world.after(0, () => this.#deliver(from, to));
  }

  #deliver(from: Side, to: Side): void {
    if (this.isBroken || !isAlive(to) || !to.isOpen) return;
    if (this.#network.isBlocked(from.node, to.node)) {
      from.overdue++;
      return;
    }
    const bytes = from.underWay.shift();
    if (bytes === undefined) return;
    for (const split of to.splitter.push(bytes)) {
      if (split.ok) to.link?.receive(split.frame.message, to.node.nowMs());
      else to.link?.handle({ type: 'unreadable', code: split.code, reason: split.reason });
    }
  }
}

function isAlive(side: Side): boolean {
  return side.node.isUp && side.node.life === side.life;
}
