// All conversations of this node about one database, and the store they are about: does the effects of session.ts, brings it events, and
// knows what each member has. No sockets, clocks or timers: connections, time and ticks are handed in.

import type { LogAnswer, RemoteBatch, RemoteOutcome, RemoteRow, RemoteWork, Store, Vector } from '../store/index.ts';
import { beyond, sameVector, union } from '../store/index.ts';
import type { CloseCode } from './close-codes.ts';
import { Confirmations } from './confirmations.ts';
import { replicationLimits } from './limits.ts';
import type { BlobPiece, CopyPart, Data, Message } from './messages.ts';
import type { Standing } from './receiving.ts';
import {
  begin,
  type Local,
  type SchemaState,
  type SessionEffect,
  type SessionEvent,
  type SessionState,
  step,
} from './session.ts';

/** What replication needs of a store: `Store` itself, or what speaks for it. */
export interface ReplicatedStore extends Pick<Store, 'readSince' | 'readCopy' | 'reachesBack' | 'vector' | 'copies'> {
  /** Merges what came in, soon; whoever holds the replicator calls `committed` before this calls `done`. */
  merge(work: RemoteWork, done: (outcome: RemoteOutcome) => void): void;
}

/** The bytes of blobs. */
export interface ReplicatedBlobs {
  /** Undefined: there is no such blob. */
  read(id: string, offset: number, most: number): { readonly bytes: Uint8Array; readonly last: boolean } | undefined;
  /**
   * Pieces of a blob come in order; a piece at 0 starts anew. Resolves when it is stored, the last when the whole blob is on disk.
   * @param from the peer that sends it
   */
  write(from: string, piece: BlobPiece): Promise<void>;
}

export interface ReplicatorOptions {
  readonly cluster: string;
  readonly node: string;
  readonly database: string;
  readonly store: ReplicatedStore;
  readonly blobs: ReplicatedBlobs;
  readonly schema: SchemaState;
  /** What is on disk when it starts. */
  readonly durable: Vector;
  readonly nowMs: () => number;
  /** Of `replicationLimits`; smaller ones in tests. */
  readonly batchBytes?: number;
  readonly window?: number;
  /** Tables of a peer, as JSON text: those missing here are to be made before this returns. */
  readonly applySchema: (definitions: string) => void;
  readonly digests: () => ReadonlyMap<string, string>;
  /** Which records which node is to have, while not every node has all; undefined: all have. */
  readonly residency?: () => Residency | undefined;
  /** A copy of all rows is complete: what its sender does not hold was not in it. */
  readonly copied?: () => void;
  /** Ids of the other members; absent: those with an open conversation. */
  readonly members?: () => readonly string[];
  readonly report: (report: Report) => void;
}

/** `body`: null: deleted. */
export type RowName = Pick<RemoteRow, 'table' | 'id' | 'body'>;

/** Of the tables of one database. */
export interface Residency {
  wants(node: string, row: RowName): boolean;
  /** Members: each speaks for itself alone, as another may not hold what it wrote. */
  readonly members: ReadonlySet<string>;
}

export type Report =
  | { readonly type: 'opened'; readonly peer: string }
  | { readonly type: 'closed'; readonly peer: string | undefined; readonly code: CloseCode; readonly reason: string }
  /** Records that came in have a unique value that others have too. */
  | { readonly type: 'clash'; readonly table: string; readonly id: string | number }
  /** A table differs from the peer's although both have the same transactions. */
  | { readonly type: 'diverged'; readonly peer: string; readonly table: string }
  /** Both have the same transactions: tables that differ nevertheless, for now. */
  | { readonly type: 'compared'; readonly peer: string; readonly different: readonly string[] };

/** How messages leave on one connection. */
export interface Channel {
  send(message: Message): void;
  /** Called once, when the conversation is over. */
  end(code: CloseCode): void;
}

export interface LinkOptions {
  readonly sends: boolean;
  readonly receives: boolean;
  readonly identity: string | null;
}

export class Replicator {
  /** Writes that wait until others have them. */
  readonly confirmations: Confirmations;
  readonly #options: ReplicatorOptions;
  readonly #links = new Set<Link>();
  #schema: SchemaState;
  #durable: Vector;
  /** What members have on disk, by what they say themselves and by what others heard. */
  readonly #direct = new Map<string, Vector>();
  readonly #hearsay = new Map<string, Vector>();
  #directOrigins = '';
  /** What the links were last told is in the log. */
  #seen: Vector;
  readonly #suspicions = new Map<
    string,
    { readonly vector: Vector; readonly sinceMs: number; readonly different: readonly string[] }
  >();
  #digestsMs = 0;
  /** What was read of the log last, while it has not grown. */
  #lastRead: { readonly key: string; readonly answer: LogAnswer } | undefined;

  constructor(options: ReplicatorOptions) {
    this.#options = options;
    this.#schema = options.schema;
    this.#durable = options.durable;
    this.#seen = options.store.vector();
    this.confirmations = new Confirmations({
      node: options.node,
      members: () => options.members?.() ?? this.peers,
      durableAt: (member) => this.durableAt(member),
      nowMs: options.nowMs,
    });
  }

  /** A connection to a peer is there: greets. What the peer says goes to the link. */
  connect(channel: Channel, { sends, receives, identity }: LinkOptions): Link {
    const { cluster, node, database, nowMs } = this.#options;
    const window = this.#options.window ?? replicationLimits.window;
    const local: Local = { cluster, node, database, sends, receives, identity, window };
    const [state, effects] = begin(local, this.#standing(), this.#durable, this.#schema, nowMs());
    const link = new Link(state, channel, (one, effect) => this.#perform(one, effect));
    this.#links.add(link);
    link.start(effects);
    return link;
  }

  /** The store has new log entries, of changes made here or merged. */
  committed(): void {
    this.#lastRead = undefined;
    const vector = this.#options.store.vector();
    const origins = [...beyond(vector, this.#seen).keys()];
    this.#seen = vector;
    if (origins.length > 0) this.#tellAll({ type: 'committed', origins });
  }

  /** All that `vector` has is on disk. */
  durable(vector: Vector): void {
    this.#durable = union(this.#durable, vector);
    this.#tellAll({ type: 'durable', durable: this.#durable });
  }

  /** Merges rows that came outside of the conversations. */
  merge(rows: readonly RemoteRow[]): Promise<RemoteOutcome> {
    const copy = { source: '', vector: new Map(), rows, next: null };
    return new Promise((resolve) => this.#options.store.merge({ kind: 'copy', copy }, resolve));
  }

  schemaChanged(schema: SchemaState): void {
    this.#schema = schema;
    this.#tellAll({ type: 'schemaChanged', schema });
  }

  /** To be called about once a second. */
  tick(): void {
    const nowMs = this.#options.nowMs();
    this.#tellAll({ type: 'tick', nowMs });
    this.confirmations.look();
    if (nowMs - this.#digestsMs < replicationLimits.digestsMs) return;
    this.#digestsMs = nowMs;
    const members = new Map([...this.#hearsay, ...this.#direct]);
    if (members.size > 0) this.#tellAll({ type: 'tell', message: { type: 'heard', members } });
    const vector = this.#options.store.vector();
    this.#tellAll({ type: 'tell', message: { type: 'digests', vector, tables: this.#options.digests() } });
  }

  /** What a member is known to have on disk. What it says itself goes before what others heard. */
  durableAt(member: string): Vector {
    return this.#direct.get(member) ?? this.#hearsay.get(member) ?? new Map();
  }

  /** Peers with an open conversation. */
  get peers(): readonly string[] {
    return [...this.#links].flatMap(({ peer }) => peer ?? []);
  }

  stop(): void {
    this.confirmations.stop();
    this.#tellAll({ type: 'stop', code: 'STOPPING' });
  }

  get #batchBytes(): number {
    return this.#options.batchBytes ?? replicationLimits.batchBytes;
  }

  #standing(): Standing {
    const { store, node } = this.#options;
    // What this node did itself, nobody need tell it.
    return { vector: store.vector(), copies: store.copies(), except: [node, ...this.#heardDirectly()] };
  }

  #heardDirectly(): string[] {
    return [...this.#links].flatMap((link) => (link.isSource && link.peer !== undefined ? [link.peer] : [])).sort();
  }

  #tellAll(event: SessionEvent): void {
    for (const link of [...this.#links]) link.handle(event);
  }

  #perform(link: Link, effect: Exclude<SessionEffect, { type: 'send' }>): void {
    const { store, nowMs } = this.#options;
    switch (effect.type) {
      case 'read': {
        const { vector, except, after, stream } = effect;
        const residency = this.#options.residency?.();
        if (residency === undefined || link.peer === undefined)
          return link.handle({ type: 'read', stream, answer: this.#readOnce({ vector, except, after }) });
        const known = [...store.vector().keys()].filter((origin) => residency.members.has(origin));
        const left = new Set([...except, ...known.filter((origin) => origin !== this.#options.node)]);
        const answer = this.#readOnce({ vector, except: [...left], after });
        return link.handle({ type: 'read', stream, answer: answerFor(link.peer, answer, residency) });
      }
      case 'readCopy': {
        const read = store.readCopy(effect.position, this.#batchBytes);
        const residency = this.#options.residency?.();
        const peer = link.peer ?? '';
        const answer = residency ? { ...read, rows: read.rows.filter((row) => residency.wants(peer, row)) } : read;
        return link.handle({ type: 'copyRead', stream: effect.stream, answer });
      }
      case 'checkResume': {
        const { want } = effect;
        const can = want.resume !== null && store.reachesBack(want.resume.vector);
        return link.handle({ type: 'canResume', want, can, nowMs: nowMs() });
      }
      case 'apply':
        return this.#apply(link, effect.message);
      case 'applySchema':
        try {
          return this.#options.applySchema(effect.definitions);
        } catch (error) {
          return link.handle({
            type: 'unreadable',
            code: 'UNKNOWN_TABLE',
            reason: `Tables of the peer can not be made here: ${String(error)}`,
          });
        }
      case 'opened':
        link.peer = effect.peer;
        link.isSource = effect.peerSends && link.receives;
        this.#dropOlder(link);
        this.#options.report({ type: 'opened', peer: effect.peer });
        return this.#directOriginsChanged();
      case 'acknowledged':
        if (link.peer !== undefined) this.#direct.set(link.peer, effect.durable);
        return this.confirmations.look();
      case 'heard':
        for (const [member, vector] of effect.members)
          this.#hearsay.set(member, union(this.#hearsay.get(member) ?? new Map(), vector));
        return this.confirmations.look();
      case 'compare':
        return this.#compare(link, effect.vector, effect.tables);
      case 'sendBlob': {
        const { id, offset } = effect;
        const piece = this.#options.blobs.read(id, offset, replicationLimits.blobPieceBytes);
        return link.send(piece ? { type: 'blob', id, offset, ...piece } : { type: 'noBlob', id });
      }
      case 'storeBlob': {
        const { piece } = effect;
        this.#options.blobs.write(link.peer ?? '', piece).then(
          () => link.handle({ type: 'blobStored', piece }),
          (error: unknown) => link.handle({ type: 'unreadable', code: 'STORAGE', reason: String(error) }),
        );
        return;
      }
      case 'closed':
        this.#links.delete(link);
        if (link.peer !== undefined && !this.peers.includes(link.peer)) this.#forget(link.peer);
        this.#options.report({
          type: 'closed',
          peer: link.peer ?? link.identity,
          code: effect.code,
          reason: effect.reason,
        });
        link.end(effect.code);
        return this.#directOriginsChanged();
    }
  }

  /** Peers that are as far as each other are read for once. */
  #readOnce({
    vector,
    except,
    after,
  }: Pick<Extract<SessionEffect, { type: 'read' }>, 'vector' | 'except' | 'after'>): LogAnswer {
    const { store } = this.#options;
    const left = new Set(except);
    const known = [...vector].filter(([origin]) => !left.has(origin)).sort();
    const key = JSON.stringify([after, except.toSorted(), known]);
    const answer =
      this.#lastRead?.key === key
        ? this.#lastRead.answer
        : store.readSince({ vector, except: left, after, limitBytes: this.#batchBytes });
    this.#lastRead = { key, answer };
    return answer;
  }

  #apply(link: Link, message: Data | CopyPart): void {
    const { store, report, node } = this.#options;
    const residency = this.#options.residency?.();
    const keeps = (row: RemoteRow) => residency === undefined || residency.wants(node, row);
    const work: RemoteWork =
      message.type === 'data'
        ? { kind: 'batch', batch: residency ? batchOf(message.batch, keeps) : message.batch }
        : {
            kind: 'copy',
            copy: {
              source: link.peer ?? '',
              vector: message.vector,
              rows: residency ? message.rows.filter(keeps) : message.rows,
              next: message.next,
            },
          };
    store.merge(work, (outcome) => {
      if (outcome.ok && message.type === 'copy' && message.next === null && residency) this.#options.copied?.();
      if (outcome.ok) for (const clash of outcome.clashes) report({ type: 'clash', ...clash });
      link.handle({ type: 'applied', outcome, standing: this.#standing() });
    });
  }

  /** After a member's link broke, others may know more of it than it said. */
  #forget(member: string): void {
    const said = this.#direct.get(member);
    this.#direct.delete(member);
    if (said) this.#hearsay.set(member, union(this.#hearsay.get(member) ?? new Map(), said));
  }

  #dropOlder(link: Link): void {
    for (const other of [...this.#links])
      if (other !== link && other.peer === link.peer) other.handle({ type: 'stop', code: 'REPLACED' });
  }

  #directOriginsChanged(): void {
    const origins = this.#heardDirectly().join('\n');
    if (origins === this.#directOrigins) return;
    this.#directOrigins = origins;
    this.#tellAll({ type: 'exceptChanged', standing: this.#standing() });
  }

  /**
   * Equal vectors mean equal records, but for a while: a state may arrive before the transaction that made it. What differs for longer
   * than any link can go on without delivering has diverged.
   */
  #compare(link: Link, vector: Vector, tables: ReadonlyMap<string, string>): void {
    const { store, digests, report, nowMs } = this.#options;
    const { peer } = link;
    if (peer === undefined) return;
    if (!sameVector(store.vector(), vector)) return void this.#suspicions.delete(peer);
    const own = digests();
    const different = [...tables].flatMap(([table, digest]) =>
      own.has(table) && own.get(table) !== digest ? [table] : [],
    );
    report({ type: 'compared', peer, different });
    const before = this.#suspicions.get(peer);
    if (different.length === 0 || !before || !sameVector(before.vector, vector)) {
      this.#suspicions.set(peer, { vector, sinceMs: nowMs(), different });
      return;
    }
    if (nowMs() - before.sinceMs < replicationLimits.suspicionMs) return;
    for (const table of different) if (before.different.includes(table)) report({ type: 'diverged', peer, table });
    this.#suspicions.delete(peer);
  }
}

function answerFor(peer: string, answer: LogAnswer, residency: Residency): LogAnswer {
  if (answer.kind === 'copy') return answer;
  return { ...answer, batch: batchOf(answer.batch, (row) => residency.wants(peer, row)) };
}

/** A batch without some of its rows; itself when there are none to leave out. */
function batchOf(batch: RemoteBatch, keeps: (row: RemoteRow) => boolean): RemoteBatch {
  const places = new Map<number, number>();
  for (const [index, row] of batch.rows.entries()) if (keeps(row)) places.set(index, places.size);
  if (places.size === batch.rows.length) return batch;
  return {
    ...batch,
    rows: batch.rows.filter((_, index) => places.has(index)),
    transactions: batch.transactions.map((transaction) => ({
      ...transaction,
      rows: transaction.rows.flatMap((index) => places.get(index) ?? []),
    })),
  };
}

/** One conversation over one connection: its state, and events in the order they happen. */
export class Link {
  peer: string | undefined;
  /** Who it is by the connection, where that tells. */
  readonly identity: string | undefined;
  /** Whether changes of the peer come in over this link. */
  isSource = false;
  readonly receives: boolean;
  readonly #channel: Channel;
  readonly #perform: (link: Link, effect: Exclude<SessionEffect, { type: 'send' }>) => void;
  #state: SessionState;
  #events: SessionEvent[] = [];
  #isHandling = false;

  constructor(
    state: SessionState & { readonly local: Local },
    channel: Channel,
    perform: (link: Link, effect: Exclude<SessionEffect, { type: 'send' }>) => void,
  ) {
    this.#state = state;
    this.receives = state.local.receives;
    this.identity = state.local.identity ?? undefined;
    this.#channel = channel;
    this.#perform = perform;
  }

  get state(): SessionState {
    return this.#state;
  }

  start(effects: readonly SessionEffect[]): void {
    this.#isHandling = true;
    for (const effect of effects) this.#do(effect);
    this.#drain();
  }

  receive(message: Message, nowMs: number): void {
    this.handle({ type: 'message', message, nowMs });
  }

  /** What effects bring about while an event is handled waits for its turn. */
  handle(event: SessionEvent): void {
    this.#events.push(event);
    if (!this.#isHandling) this.#drain();
  }

  send(message: Message): void {
    this.#channel.send(message);
  }

  end(code: CloseCode): void {
    this.#channel.end(code);
  }

  #drain(): void {
    this.#isHandling = true;
    for (let event = this.#events.shift(); event; event = this.#events.shift()) {
      const [state, effects] = step(this.#state, event);
      this.#state = state;
      for (const effect of effects) this.#do(effect);
    }
    this.#isHandling = false;
  }

  #do(effect: SessionEffect): void {
    if (effect.type === 'send') this.#channel.send(effect.message);
    else this.#perform(this, effect);
  }
}
