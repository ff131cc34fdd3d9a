// This node's part in its cluster, beside the store it writes to: which databases replicate, who the members are, and the connections to them.
// What others build on:
//
//   replicators      of each database that replicates: what goes out and comes in, and what each member has on disk (`durableAt`)
//   members          who is in the cluster, by id and name
//   links            the open connections
//   status()         all of it as plain data
//
// Started by cluster.ts; lives in the thread of the store.

import { hostname } from 'node:os';
import { type Clock, errorToData, ZerohopError } from '../base/index.ts';
import { type Config, readAddress } from '../config/index.ts';
import type { Channel, ChannelHandlers, Transport } from '../net/index.ts';
import { type Replicator, type Report, replicateDatabase, schemaOf } from '../replication/index.ts';
import type { RemoteOutcome, RemoteRow, StoreEngine, Vector } from '../store/index.ts';
import { refusalOf } from './admission.ts';
import { askingLimits, type Question, questionFrom, type Reply, replyFrom, toBytes, Unanswered } from './asking.ts';
import { fingerprintOf } from './certificates.ts';
import type { Seed } from './cluster-folder.ts';
import { LagClock } from './lag.ts';
import { type LinkReport, Links, type Peer, type Ways } from './links.ts';
import { clusterTables, Members, replicates } from './members.ts';
import { Moves } from './moves.ts';
import { Residency } from './residency.ts';
import { Searcher } from './searcher.ts';
import { Staleness } from './staleness.ts';
import { type ClusterLog, Troubles } from './troubles.ts';
import { Verifier } from './verify.ts';

export interface ClusterNodeOptions {
  readonly engine: StoreEngine;
  readonly node: string;
  readonly clock: Clock;
  readonly config: Config['replication'];
  /** Of the application and of the agent for load balancers; 0: none that others can know. */
  readonly ports: { readonly http: number; readonly agent: number };
  /** Of the runtime. */
  readonly version: string;
  readonly cluster: string;
  readonly transport: Transport;
  /** PEM of the certificate in use; undefined: there are none. */
  readonly certificate: () => string | undefined;
  readonly isAuthority: boolean;
  /** Number for integer ids; undefined: one is chosen that no known member has. */
  readonly slot: number | undefined;
  /** Members known when it joined. */
  readonly seeds: readonly Seed[];
  /** Whether somebody else writes this node's row first. */
  readonly isAdmitted: boolean;
  readonly guest?: (channel: Channel) => ChannelHandlers;
  readonly log: ClusterLog;
  /** Tables came in from another node. */
  readonly tablesMade: () => void;
}

/** How often conversations go on by themselves and members are looked at; how many of them for a ping and a sample of the lag. */
const tickMs = 250;
const ticksPerSecond = 4;

/** Tables that differed when two nodes had the same transactions. */
export interface Comparison {
  readonly atMs: number;
  readonly different: readonly string[];
}

interface Replicated {
  readonly replicator: Replicator;
  readonly lag: LagClock;
  /** By peer. */
  readonly compared: Map<string, Comparison>;
}

export class ClusterNode {
  readonly members: Members;
  readonly links: Links;
  readonly troubles: Troubles;
  /** Who holds which record of tables that are spread, and how they move. */
  readonly residency: Residency;
  readonly moves: Moves;
  /** Compares tables with those of other members. */
  readonly verifier: Verifier;
  port = 0;
  readonly #options: ClusterNodeOptions;
  readonly #databases = new Map<string, Promise<Replicator | undefined>>();
  readonly #replicated = new Map<string, Replicated>();
  readonly #staleness = new Staleness();
  readonly replicators: Map<string, Replicator> = new Map();
  #search: Searcher | undefined;
  #timer: Timer | undefined;
  #ticks = 0;
  #reachedAs = '';
  #writing = false;
  #isStopped = false;

  static async start(options: ClusterNodeOptions): Promise<ClusterNode> {
    const node = new ClusterNode(options);
    await node.#start();
    return node;
  }

  private constructor(options: ClusterNodeOptions) {
    this.#options = options;
    const { engine, node, clock, transport, cluster, log, guest } = options;
    engine.applySchema(clusterTables);
    this.members = new Members(engine, node, clock);
    this.troubles = new Troubles(log, clock, (id) => this.members.nameOf(id));
    this.links = new Links({
      cluster,
      node,
      clock,
      transport,
      databases: () => this.replicators,
      makeDatabase: (database) => this.#takeOn(database, true),
      refusal: (id, certificate) =>
        refusalOf(this.members.all.get(id), certificate && fingerprintOf(new Uint8Array(certificate))),
      ways: (id, dialled) => this.#waysTo(id, dialled),
      ...(guest && { guest }),
      answer: async (peer, bytes) => toBytes(await this.#answer(peer, questionFrom(bytes))),
      random: Math.random,
      report: (report) => this.#linkReported(report),
    });
    const ask = (member: string, question: Question, waitMs: number) => this.#ask(member, question, waitMs);
    this.residency = new Residency({
      engine,
      node,
      members: this.members,
      ask,
      search: (database, table, query) => this.#searcher().search(database, table, query),
      ids: (database, table, query) => this.#searcher().ids(database, table, query),
      distanceTo: (member) => {
        const connection = this.links.connections.get(member);
        return connection && (connection.roundTripMs ?? 0);
      },
      nowMs: () => clock.nowMs(),
    });
    this.verifier = new Verifier({
      engine,
      nameOf: (id) => this.members.nameOf(id),
      nowMs: () => clock.nowMs(),
      peers: (database) => this.members.othersWith(database).filter((id) => this.links.connections.has(id)),
      ask: (member, question) => ask(member, question, askingLimits.workMs),
      merge: (database, rows) => this.#mergeRows(database, rows),
    });
    this.moves = new Moves({
      engine,
      node,
      members: this.members,
      residency: this.residency,
      replicators: this.replicators,
      ask,
      log,
    });
  }

  /** Made when another node asks first. */
  #searcher(): Searcher {
    this.#search ??= new Searcher(this.#options.engine);
    return this.#search;
  }

  /** Never rejects. */
  async #answer(peer: string, question: Question): Promise<Reply> {
    if (question.type !== 'verify') return this.residency.answer(peer, question);
    return this.verifier.answer(question).catch((error: unknown) => ({ type: 'failed', error: errorToData(error) }));
  }

  async #mergeRows(database: string, rows: readonly RemoteRow[]): Promise<RemoteOutcome> {
    const replicator = this.replicators.get(database);
    if (replicator) return replicator.merge(rows);
    throw new ZerohopError('NOT_FOUND', `The database ${database} does not take part in replication here.`);
  }

  async #ask(member: string, question: Question, waitMs: number): Promise<Reply> {
    const connection = this.links.connections.get(member);
    if (!connection) throw new Unanswered('There is no connection.', false);
    return replyFrom(await connection.ask(toBytes(question), waitMs));
  }

  get name(): string {
    return this.members.own?.name ?? this.#ownName;
  }

  get cluster(): string {
    return this.#options.cluster;
  }

  async #start(): Promise<void> {
    const { engine, config } = this.#options;
    await Promise.all(engine.databases.map((database) => this.#takeOn(database, false)));
    this.port = await this.links.listen(config.host, config.port).catch((error: unknown) => {
      const why = error instanceof Error && 'code' in error ? String(error.code) : String(error);
      throw new ZerohopError(
        'INVALID_CONFIG',
        `Other nodes can not connect: ${config.host} port ${config.port} can not be listened on (${why}). Choose another with --replication-port.`,
      );
    });
    this.#numberIds();
    await this.#writeOwn();
    this.#keepLinks();
    this.#timer = setInterval(() => this.#tick(), tickMs);
  }

  /** Local tables or databases have changed. */
  schemaChanged(): void {
    const { engine } = this.#options;
    this.residency.refresh();
    this.#search?.refresh();
    for (const database of engine.databases) void this.#takeOn(database, false);
    for (const [database, replicator] of this.replicators) {
      const store = engine.store(database);
      if (store) replicator.schemaChanged(schemaOf({ store }));
    }
  }

  /** Someone reached this node by this host name: others may too. */
  reachedAs(host: string): void {
    this.#reachedAs = host;
    void this.#writeOwn();
  }

  /** The certificate has changed. */
  async certificateChanged(): Promise<void> {
    const { config } = this.#options;
    await this.links.listen(config.host, config.port);
    await this.#writeOwn();
  }

  /** What a member lacks of a database that this node has, per origin; and what it has that this node lacks. */
  lagOf(member: string, database: string): readonly OriginLag[] {
    const replicated = this.#replicated.get(database);
    const store = this.#options.engine.store(database);
    if (!replicated || !store) return [];
    const nowMs = this.#options.clock.nowMs();
    const ours = store.vector();
    const theirs: Vector = replicated.replicator.durableAt(member);
    return [...new Set([...ours.keys(), ...theirs.keys()])].sort().map((origin) => {
      const [here, there] = [ours.get(origin) ?? 0, theirs.get(origin) ?? 0];
      const { commits, seconds } = replicated.lag.behind(origin, there, here, nowMs);
      return { origin, commits, seconds, missingHere: Math.max(0, there - here) };
    });
  }

  /** How long this node has lacked what another has on disk. */
  get missingSeconds(): number {
    return this.#staleness.seconds(this.#options.clock.nowMs());
  }

  /** With a peer, the last one; undefined: there was none yet. */
  comparison(member: string, database: string): Comparison | undefined {
    const replicated = this.#replicated.get(database);
    return replicated?.compared.get(member);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#timer);
    this.moves.stop();
    this.#search?.close();
    for (const replicator of this.replicators.values()) replicator.stop();
    await this.links.stop();
  }

  get #ownName(): string {
    return this.#options.config.hostname || hostname();
  }

  /** Lets a database replicate, if it is to. @param canMake whether one that is not here is made */
  #takeOn(database: string, canMake: boolean): Promise<Replicator | undefined> {
    const { engine, config } = this.#options;
    const known = this.#databases.get(database);
    if (known) return known;
    const isHere = engine.databases.includes(database);
    const isWanted = isHere || (canMake && this.#databases.size < mostDatabases && !this.#isStopped);
    if (!isWanted || !replicates(config.databases, database)) return Promise.resolve(undefined);
    const opening = this.#open(database).catch((error: unknown) => {
      this.#databases.delete(database);
      const why = error instanceof Error ? error.message : String(error);
      this.#options.log('error', `The database ${database} can not take part in replication: ${why}`);
      return undefined;
    });
    this.#databases.set(database, opening);
    return opening;
  }

  async #open(database: string): Promise<Replicator | undefined> {
    const { engine, node, clock, cluster, tablesMade } = this.#options;
    engine.openDatabase(database);
    const replicator = await replicateDatabase({
      engine,
      database,
      cluster,
      node,
      clock,
      members: () => this.members.othersWith(database),
      nameOf: (id) => this.members.nameOf(id),
      report: (report) => this.#reported(database, report),
      residency: () => this.residency.of(database),
      copied: () => this.moves.copied(),
      tablesMade: () => {
        tablesMade();
        this.schemaChanged();
      },
    });
    if (!replicator || this.#isStopped) return undefined;
    this.#replicated.set(database, { replicator, lag: new LagClock(), compared: new Map() });
    this.replicators.set(database, replicator);
    this.links.databasesChanged();
    return replicator;
  }

  #tick(): void {
    const { engine, clock, node } = this.#options;
    const isSecond = ++this.#ticks % ticksPerSecond === 0;
    if (this.members.refresh()) this.#membersChanged();
    this.residency.look();
    this.moves.tick();
    for (const [database, { replicator, lag }] of this.#replicated) {
      const vector = isSecond ? engine.store(database)?.vector() : undefined;
      if (vector) {
        lag.sample(vector, clock.nowMs());
        const others = this.members.othersWith(database).map((id) => replicator.durableAt(id));
        this.#staleness.sample(database, vector, others, clock.nowMs());
      }
      replicator.tick();
    }
    if (!isSecond) return;
    this.links.tick();
    if (!this.#options.isAdmitted || this.members.all.has(node)) void this.#writeOwn();
    this.#takeNoteOfStrangers();
  }

  #membersChanged(): void {
    for (const { id, removed, revoked, certificate } of this.members.all.values())
      if (removed || revoked?.includes(certificate)) this.links.drop(id);
    if (this.members.own?.removed)
      this.#options.log('warn', 'This node was removed from the cluster: no member talks to it.');
    this.#keepLinks();
  }

  #keepLinks(): void {
    const { config, seeds, node } = this.#options;
    const wanted: Peer[] = config.routes.map(({ host, port }) => ({ node: undefined, host, port }));
    if (config.mesh === 'full') {
      for (const member of this.members.others)
        if (member.mesh === 'full' && member.host !== '' && member.port !== 0 && !this.#isRoute(member))
          wanted.push({ node: member.id, host: member.host, port: member.port });
      // Until it hears who is a member, it knows those it heard of when it joined; whoever has the smaller id.
      if (this.members.others.length === 0)
        for (const { host, port } of seeds) wanted.push({ node: undefined, host, port });
    }
    const known = wanted.filter((peer) => peer.node !== node);
    this.links.keepOnly(new Set(known.map(({ node: id, host, port }) => id ?? `${host}:${port}`)));
    for (const peer of known) this.links.keep(peer);
  }

  #isRoute({ host, port }: { readonly host: string; readonly port: number }): boolean {
    return this.#options.config.routes.some((route) => route.host === host && route.port === port);
  }

  #waysTo(id: string, dialled: Peer | undefined): Ways {
    const place = dialled ?? this.members.all.get(id);
    const route = this.#options.config.routes.find(({ host, port }) => host === place?.host && port === place.port);
    return { sends: route?.sends ?? true, receives: route?.receives ?? true };
  }

  /** A node whose row does not come here, on a route that only sends: it counts as a member, so that nothing is taken out before it has it. */
  #takeNoteOfStrangers(): void {
    for (const { peer, sinceMs, address } of this.links.connections.values()) {
      if (this.members.all.has(peer) || this.#options.clock.nowMs() - sinceMs < strangerMs || this.#writing) continue;
      this.#writing = true;
      void this.members
        .write(peer, { name: peer, host: '', port: 0, mesh: 'routes' })
        .catch((error: unknown) => this.#options.log('error', `The node at ${address} could not be noted: ${error}`))
        .finally(() => {
          this.#writing = false;
        });
    }
  }

  async #writeOwn(): Promise<void> {
    const { node, config, ports, version, certificate, isAuthority, isAdmitted, slot, log } = this.#options;
    if (this.#writing || this.#isStopped || (isAdmitted && !this.members.all.has(node))) return;
    const pem = certificate();
    this.#writing = true;
    try {
      const address = ownAddress(config.address, this.port);
      await this.members.write(node, {
        name: this.#ownName,
        host: address?.host ?? (config.hostname || this.#reachedAs || this.members.own?.host || hostname()),
        port: address?.port ?? this.port,
        ...ports,
        region: config.region,
        shard: config.shard,
        residencies: this.residency.residencies,
        databases: [...config.databases],
        mesh: config.mesh,
        version,
        authority: isAuthority,
        slot: slot ?? this.#freeSlot(),
        ...(pem !== undefined && { certificate: fingerprintOf(pem) }),
      });
    } catch (error) {
      if (!this.#isStopped) log('error', `This node could not say where it is: ${String(error)}`);
    } finally {
      this.#writing = false;
    }
  }

  #numberIds(): void {
    this.#options.engine.numberIds(this.#options.slot ?? this.#freeSlot());
  }

  /** Where nobody gives out numbers: one that follows from the id, and that no member it knows has. */
  #freeSlot(): number {
    const { node } = this.#options;
    if (this.members.own) return this.members.own.slot;
    const taken = new Set(this.members.others.map(({ slot }) => slot));
    let slot = Number(BigInt(Bun.hash(node)) % 256n);
    for (let tried = 0; taken.has(slot) && tried < 256; tried++) slot = (slot + 1) % 256;
    return slot;
  }

  #linkReported(report: LinkReport): void {
    this.troubles.link(report);
  }

  #reported(database: string, report: Report): void {
    const replicated = this.#replicated.get(database);
    if (report.type === 'compared') {
      const atMs = this.#options.clock.nowMs();
      replicated?.compared.set(report.peer, { atMs, different: report.different });
    }
    this.troubles.conversation(database, report);
  }
}

export interface OriginLag {
  readonly origin: string;
  /** What the member lacks of it, and for how long. */
  readonly commits: number;
  readonly seconds: number;
  /** What it has on disk and this node lacks. */
  readonly missingHere: number;
}

/** Databases a peer may make this node open. */
const mostDatabases = 1_000;
/** How long a node that is connected may be without a row before it is given one. */
const strangerMs = 30_000;

/** A configured address; a name alone goes with the port this node listens on. */
export function ownAddress(text: string, port: number): { readonly host: string; readonly port: number } | undefined {
  const read = text === '' ? undefined : readAddress(text);
  return read && { host: read.host, port: /:\d+\/?$/.test(text) ? read.port : port };
}
