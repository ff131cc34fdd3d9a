// One connection to another node and the conversations on it, one for each database that both have. Each side numbers those it begins: the
// one that dialled with even numbers, the other with odd ones. If both begin the same one, that of the side that dialled stays.

import { type Channel, closings } from '../net/index.ts';
import {
  type CloseCode,
  type FrameEncoder,
  FrameSplitter,
  type Link,
  type Message,
  type Replicator,
} from '../replication/index.ts';
import { askingLimits, Unanswered } from './asking.ts';

export interface ConnectionOptions {
  readonly channel: Channel;
  readonly peer: string;
  readonly hasDialled: boolean;
  /** Of all connections of the node. */
  readonly encoder: FrameEncoder;
  /** What goes which way on this connection. */
  readonly sends: boolean;
  readonly receives: boolean;
  readonly databases: () => ReadonlyMap<string, Replicator>;
  /** A database the peer has and this node may not have yet; undefined: it does not take part here. */
  readonly makeDatabase: (database: string) => Promise<Replicator | undefined>;
  /** What the peer asks beside the conversations. Rejects for what is no question. */
  readonly answer: (peer: string, question: Uint8Array) => Promise<Uint8Array>;
  readonly nowMs: () => number;
}

interface Waiting {
  readonly resolve: (reply: Uint8Array) => void;
  readonly reject: (error: Unanswered) => void;
  readonly timer: Timer;
}

interface Conversation {
  readonly number: number;
  readonly database: string;
  /** Undefined while the database is being made. */
  link: Link | undefined;
  readonly early: Message[];
}

/** Messages that may come before the database is made: there is nothing to say before a hello is answered. */
const earlyMessages = 4;

export class Connection {
  readonly peer: string;
  readonly hasDialled: boolean;
  readonly sinceMs: number;
  sentBytes = 0;
  receivedBytes = 0;
  /** Of the last ping. */
  roundTripMs: number | undefined;
  readonly #options: ConnectionOptions;
  readonly #splitter = new FrameSplitter();
  readonly #conversations = new Map<number, Conversation>();
  #next: number;
  #ping: { readonly id: number; readonly sentMs: number } | undefined;
  #pings = firstPing;
  #isOver = false;
  #ticks = 0;
  #closedFor: string | undefined;
  readonly #waiting = new Map<number, Waiting>();
  #questions = 0;
  /** Frames that leave together, at the end of what is being done. */
  #leaving: Uint8Array[] = [];

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.peer = options.peer;
    this.hasDialled = options.hasDialled;
    this.sinceMs = options.nowMs();
    this.#next = options.hasDialled ? 0 : 1;
  }

  get address(): string {
    return this.#options.channel.address;
  }

  /** Why this node closed it, where there is more to say than that. */
  get closedFor(): string | undefined {
    return this.#closedFor;
  }

  /** The peer's, as DER. */
  get certificate(): Uint8Array | undefined {
    return this.#options.channel.certificate;
  }

  get queuedBytes(): number {
    return this.#options.channel.queuedBytes;
  }

  /** Databases that are talked about, and whether the conversation is open. */
  get databases(): ReadonlyMap<string, boolean> {
    return new Map(
      [...this.#conversations.values()].map(({ database, link }) => [database, link?.state.phase === 'open'] as const),
    );
  }

  /** Begins a conversation about each database there is none about. */
  greet(): void {
    if (this.#isOver) return;
    const known = new Set([...this.#conversations.values()].map(({ database }) => database));
    for (const [database, replicator] of this.#options.databases()) {
      if (known.has(database)) continue;
      const conversation: Conversation = { number: this.#next, database, link: undefined, early: [] };
      this.#next += 2;
      this.#conversations.set(conversation.number, conversation);
      this.#begin(conversation, replicator);
    }
  }

  bytes(chunk: Uint8Array): void {
    this.receivedBytes += chunk.byteLength;
    for (const split of this.#splitter.push(chunk)) {
      if (this.#isOver) return;
      if (split.ok) this.#receive(split.frame.channel, split.frame.message);
      else if (this.#conversations.size === 0) this.#refuse(split.code, split.reason);
      else for (const { link } of [...this.#conversations.values()]) link?.handle({ ...split, type: 'unreadable' });
    }
  }

  /** Before there is any conversation that could say it. */
  #refuse(code: CloseCode, reason: string): void {
    this.#send(0, { type: 'bye', code, message: reason });
    this.close(`${reason} (${code})`);
  }

  /** Asks the peer something beside the conversations. Rejects with `Unanswered`. */
  ask(question: Uint8Array, waitMs: number): Promise<Uint8Array> {
    const open = this.#open;
    if (!open || this.#isOver) return Promise.reject(new Unanswered('There is no connection.', false));
    if (this.#waiting.size >= askingLimits.underWay)
      return Promise.reject(new Unanswered('Too many questions wait for an answer.', false));
    const id = ++this.#questions;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#giveUp(id, `No answer came within ${waitMs} ms.`), waitMs);
      this.#waiting.set(id, { resolve, reject, timer });
      this.#send(open.number, { type: 'ask', id, bytes: question });
    });
  }

  get #open(): Conversation | undefined {
    return [...this.#conversations.values()].find(({ link }) => link?.state.phase === 'open');
  }

  #giveUp(id: number, why: string): void {
    const waiting = this.#waiting.get(id);
    if (!waiting) return;
    this.#waiting.delete(id);
    clearTimeout(waiting.timer);
    waiting.reject(new Unanswered(why, true));
  }

  /** About once a second: measures the way there and back, now and then once it is known. */
  tick(): void {
    if (this.#isOver || (this.roundTripMs !== undefined && ++this.#ticks % ticksPerPing !== 0)) return;
    const open = this.#open;
    if (!open) return;
    this.#ping = { id: ++this.#pings, sentMs: performance.now() };
    this.#send(open.number, { type: 'ping', id: this.#ping.id });
  }

  close(reason?: string): void {
    this.#closedFor ??= reason;
    this.#flush();
    this.#options.channel.close();
    this.ended(closings.here);
  }

  ended(reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const id of [...this.#waiting.keys()]) this.#giveUp(id, `The connection broke: ${reason}`);
    for (const { link } of [...this.#conversations.values()]) link?.handle({ type: 'disconnected', reason });
  }

  #receive(number: number, message: Message): void {
    const known = this.#conversations.get(number);
    if (message.type === 'pong' && message.id === this.#ping?.id)
      this.roundTripMs = performance.now() - this.#ping.sentMs;
    if (known?.link && message.type === 'ask') return void this.#answer(number, message.id, message.bytes);
    if (known?.link && message.type === 'answer') return this.#answered(message.id, message.bytes);
    if (known?.link) return known.link.receive(message, this.#options.nowMs());
    if (known) {
      if (known.early.push(message) > earlyMessages) this.close();
      return;
    }
    if (message.type === 'hello') this.#asked(number, message.database, message);
  }

  async #answer(number: number, id: number, question: Uint8Array): Promise<void> {
    try {
      this.#send(number, { type: 'answer', id, bytes: await this.#options.answer(this.peer, question) });
    } catch {
      // A question that can not be read: a peer that talks nonsense.
      this.close();
    }
  }

  #answered(id: number, reply: Uint8Array): void {
    const waiting = this.#waiting.get(id);
    if (!waiting) return;
    this.#waiting.delete(id);
    clearTimeout(waiting.timer);
    waiting.resolve(reply);
  }

  /** The peer begins a conversation. */
  #asked(number: number, database: string, hello: Message): void {
    const own = [...this.#conversations.values()].find((one) => one.database === database);
    // Its own, which it will let go of when it has this node's.
    if (own && this.hasDialled) return;
    if (own) {
      this.#conversations.delete(own.number);
      own.link?.handle({ type: 'stop', code: 'REPLACED' });
    }
    const conversation: Conversation = { number, database, link: undefined, early: [hello] };
    this.#conversations.set(number, conversation);
    const here = this.#options.databases().get(database);
    if (here) return this.#begin(conversation, here);
    void this.#options.makeDatabase(database).then((made) => {
      if (this.#isOver || this.#conversations.get(number) !== conversation) return;
      if (made) return this.#begin(conversation, made);
      this.#conversations.delete(number);
      // A database that is not here has nothing to say; the others on this connection have.
      const why = `The database ${database} does not take part in replication here.`;
      this.#send(number, { type: 'bye', code: 'WRONG_DATABASE', message: why });
    });
  }

  #begin(conversation: Conversation, replicator: Replicator): void {
    const { number } = conversation;
    const { sends, receives, peer, nowMs } = this.#options;
    const channel = {
      send: (message: Message) => this.#send(number, message),
      end: (code: string) => {
        this.#conversations.delete(number);
        if (!harmless.has(code) && !this.#isOver) this.close();
      },
    };
    const link = replicator.connect(channel, { sends, receives, identity: peer });
    conversation.link = link;
    for (const message of conversation.early.splice(0)) link.receive(message, nowMs());
  }

  #send(number: number, message: Message): void {
    if (this.#isOver) return;
    const bytes = this.#options.encoder.encode(number, message);
    this.sentBytes += bytes.byteLength;
    if (this.#leaving.push(bytes) === 1) queueMicrotask(() => this.#flush());
  }

  #flush(): void {
    const [first, ...others] = this.#leaving;
    this.#leaving = [];
    if (first === undefined) return;
    this.#options.channel.send(others.length === 0 ? first : Buffer.concat([first, ...others]));
  }
}

/** Ends of a conversation that leave the others on the connection alone. */
const harmless: ReadonlySet<string> = new Set(['WRONG_DATABASE', 'REPLACED']);
/** Silence is noticed by the conversations, which ask by themselves; this is for the figure alone. */
const ticksPerPing = 5;
/** Numbers of pings that no conversation uses for its own. */
const firstPing = 2 ** 31;
