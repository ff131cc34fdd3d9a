// This node's part in its cluster, beside the store it writes to: which databases replicate, who the members are, and the connections to them.
// What others build on:
//
//   replicators      of each database that replicates: what goes out and comes in, and what each member has on disk (`durableAt`)
//   members          who is in the cluster, by id and name
//   links            the open connections
//   status()         all of it as plain data
//
// Started by cluster.ts; lives in the thread of the store.

import { type Clock, errorToData, ZerohopError } from '../base/index.ts';
import type { Config } from '../config/index.ts';
import type { Channel, ChannelHandlers, Transport } from '../net/index.ts';
import type { Replicator } from '../replication/index.ts';
import type { RemoteOutcome, RemoteRow, StoreEngine } from '../store/index.ts';
import { refusalOf } from './admission.ts';
import { askingLimits, type Question, questionFrom, type Reply, replyFrom, toBytes, Unanswered } from './asking.ts';
import { fingerprintOf } from './certificates.ts';
import type { Seed } from './cluster-folder.ts';
import { HomeWriter } from './home-writer.ts';
import { Links } from './links.ts';
import { clusterTables, Members } from './members.ts';
import { Moves } from './moves.ts';
import { type OwnPorts, OwnRow } from './own-row.ts';
import { type Comparison, type OriginLag, ReplicatedDatabases } from './replicated-databases.ts';
import { Residency } from './residency.ts';
import { Searcher } from './searcher.ts';
import { Settler } from './settler.ts';
import { SpreadAnswers } from './spread-answers.ts';
import { SpreadRouter } from './spread-router.ts';
import { type ClusterLog, Troubles } from './troubles.ts';
import { Verifier } from './verify.ts';
import { wantedPeers, waysTo } from './wanted-peers.ts';

export interface ClusterNodeOptions {
  readonly engine: StoreEngine;
  readonly node: string;
  readonly clock: Clock;
  readonly config: Config['replication'];
  readonly ports: OwnPorts;
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

export class ClusterNode {
  readonly members: Members;
  readonly links: Links;
  readonly troubles: Troubles;
  /** Who holds which record of tables that are spread, and how they move. */
  readonly residency: Residency;
  readonly moves: Moves;
  /** Brings records to places that follow from what is in them. */
  readonly settler: Settler;
  /** Compares tables with those of other members. */
  readonly verifier: Verifier;
  port = 0;
  readonly #options: ClusterNodeOptions;
  readonly #databases: ReplicatedDatabases;
  readonly #ownRow: OwnRow;
  readonly #answers: SpreadAnswers;
  #search: Searcher | undefined;
  #timer: Timer | undefined;
  #ticks = 0;

  static async start(options: ClusterNodeOptions): Promise<ClusterNode> {
    const node = new ClusterNode(options);
    await node.#start();
    return node;
  }

  private constructor(options: ClusterNodeOptions) {
    this.#options = options;
    const { engine, node, clock, transport, cluster, config, log, guest, tablesMade } = options;
    engine.applySchema(clusterTables);
    this.members = new Members(engine, node, clock);
    this.troubles = new Troubles(log, clock, (id) => this.members.nameOf(id));
    this.#databases = new ReplicatedDatabases({
      engine,
      cluster,
      node,
      clock,
      wanted: config.databases,
      members: this.members,
      troubles: this.troubles,
      residency: (database) => this.residency.of(database),
      copied: () => this.moves.copied(),
      tablesMade: () => {
        tablesMade();
        this.schemaChanged();
      },
      opened: () => this.links.databasesChanged(),
      log,
    });
    this.links = new Links({
      cluster,
      node,
      clock,
      transport,
      databases: () => this.replicators,
      makeDatabase: (database) => this.#databases.takeOn(database, true),
      refusal: (id, certificate) =>
        refusalOf(this.members.all.get(id), certificate && fingerprintOf(new Uint8Array(certificate))),
      ways: (id, dialled) => waysTo(config.routes, dialled ?? this.members.all.get(id)),
      ...(guest && { guest }),
      answer: async (peer, bytes) => toBytes(await this.#answer(peer, questionFrom(bytes))),
      random: Math.random,
      report: (report) => this.troubles.link(report),
    });
    const ask = (member: string, question: Question, waitMs: number) => this.#ask(member, question, waitMs);
    this.residency = new Residency(engine, node, this.members);
    const merge = async (database: string, rows: readonly RemoteRow[]) => {
      const outcome = await this.#mergeRows(database, rows);
      if (!outcome.ok) throw new Error(`Rows of ${database} could not be merged: ${JSON.stringify(outcome.refusal)}`);
    };
    const nowMs = () => clock.nowMs();
    const shared = { engine, node, members: this.members, residency: this.residency, ask, merge, nowMs };
    const spread = { ...shared, writer: new HomeWriter(shared) };
    this.settler = new Settler({ ...shared, isReachable: (member) => this.links.connections.has(member), log });
    this.#answers = new SpreadAnswers({ ...spread, settler: () => this.settler, searcher: () => this.#searcher() });
    const router = new SpreadRouter({
      ...spread,
      count: (question) => this.#answers.count(question),
      distanceTo: (member) => {
        const connection = this.links.connections.get(member);
        return connection && (connection.roundTripMs ?? 0);
      },
    });
    engine.routeBy(router);
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
    this.#ownRow = new OwnRow({
      ...options,
      members: this.members,
      links: this.links,
      residencies: () => this.residency.residencies,
      port: () => this.port,
    });
  }

  /** Of each database that replicates. */
  get replicators(): ReadonlyMap<string, Replicator> {
    return this.#databases.replicators;
  }

  get name(): string {
    return this.members.own?.name ?? this.#ownRow.name;
  }

  get cluster(): string {
    return this.#options.cluster;
  }

  /** How long this node has lacked what another has on disk. */
  get missingSeconds(): number {
    return this.#databases.missingSeconds;
  }

  /** What a member lacks of a database that this node has, per origin; and what it has that this node lacks. */
  lagOf(member: string, database: string): readonly OriginLag[] {
    return this.#databases.lagOf(member, database);
  }

  /** With a peer, the last one; undefined: there was none yet. */
  comparison(member: string, database: string): Comparison | undefined {
    return this.#databases.comparison(member, database);
  }

  /** Local tables or databases have changed. */
  schemaChanged(): void {
    this.residency.refresh();
    this.#search?.refresh();
    void this.#databases.takeOnAll();
    this.#databases.schemaChanged();
  }

  /** Someone reached this node by this host name: others may too. */
  reachedAs(host: string): void {
    this.#ownRow.reachedAs = host;
    void this.#ownRow.write();
  }

  /** The certificate has changed. */
  async certificateChanged(): Promise<void> {
    const { config } = this.#options;
    await this.links.listen(config.host, config.port);
    await this.#ownRow.write();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#ownRow.stop();
    this.moves.stop();
    this.settler.stop();
    this.#search?.close();
    this.#databases.stop();
    await this.links.stop();
  }

  async #start(): Promise<void> {
    const { engine, config } = this.#options;
    await this.#databases.takeOnAll();
    this.port = await this.links.listen(config.host, config.port).catch((error: unknown) => {
      const why = error instanceof Error && 'code' in error ? String(error.code) : String(error);
      throw new ZerohopError(
        'INVALID_CONFIG',
        `Other nodes can not connect: ${config.host} port ${config.port} can not be listened on (${why}). Choose another with --replication-port.`,
      );
    });
    engine.numberIds(this.#ownRow.slot);
    await this.#ownRow.write();
    this.#keepLinks();
    this.#timer = setInterval(() => this.#tick(), tickMs);
  }

  #tick(): void {
    const isSecond = ++this.#ticks % ticksPerSecond === 0;
    if (this.members.refresh()) this.#membersChanged();
    this.residency.look();
    this.moves.tick();
    this.settler.tick();
    this.#databases.tick(isSecond);
    if (!isSecond) return;
    this.links.tick();
    void this.#ownRow.write();
    this.#ownRow.takeNoteOfStrangers();
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
    const wanted = wantedPeers(node, config, this.members.others, seeds);
    this.links.keepOnly(new Set(wanted.map(({ node: id, host, port }) => id ?? `${host}:${port}`)));
    for (const peer of wanted) this.links.keep(peer);
  }

  /** Made when another node asks first. */
  #searcher(): Searcher {
    this.#search ??= new Searcher(this.#options.engine);
    return this.#search;
  }

  /** Never rejects. */
  async #answer(peer: string, question: Question): Promise<Reply> {
    if (question.type !== 'verify') return this.#answers.answer(peer, question);
    return this.verifier.answer(question).catch((error: unknown) => ({ type: 'failed', error: errorToData(error) }));
  }

  async #ask(member: string, question: Question, waitMs: number): Promise<Reply> {
    const connection = this.links.connections.get(member);
    if (!connection) throw new Unanswered('There is no connection.', false);
    return replyFrom(await connection.ask(toBytes(question), waitMs));
  }

  async #mergeRows(database: string, rows: readonly RemoteRow[]): Promise<RemoteOutcome> {
    const replicator = this.replicators.get(database);
    if (replicator) return replicator.merge(rows);
    throw new ZerohopError('NOT_FOUND', `The database ${database} does not take part in replication here.`);
  }
}
