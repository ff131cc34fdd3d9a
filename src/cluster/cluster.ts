// Whether this node is in a cluster, and what makes it be: begins one, joins one, lets others in, removes members, renews its certificate.
// Lives in the thread of the store; other threads ask it by `ask`, with plain data both ways.

import { hostname } from 'node:os';
import { assert, type Clock, errorToData, ZerohopError } from '../base/index.ts';
import { type Config, readAddress } from '../config/index.ts';
import { type Credentials, overPlainTcp, overTls } from '../net/index.ts';
import { isGeneratedUser, systemDatabase, tableNames } from '../security/index.ts';
import type { StoreEngine } from '../store/index.ts';
import type { MetricsSnapshot } from '../telemetry/index.ts';
import { admit } from './admission.ts';
import { fingerprintOf, issueCertificate, makeAuthority, makeRequest } from './certificates.ts';
import { ClusterFolder, type ClusterState } from './cluster-folder.ts';
import { ClusterNode, type ClusterNodeOptions } from './cluster-node.ts';
import type { ClusterAnswer, ClusterRequest } from './cluster-request.ts';
import { askMember, openGuestDoor } from './guest-door.ts';
import { haproxyBefore } from './haproxy-before.ts';
import { newToken, readToken } from './join-token.ts';
import { checkInsecure, readOwnCertificate } from './own-certificate.ts';
import { ownAddress } from './own-row.ts';
import { type Issued, Renewal } from './renewal.ts';
import { type ClusterStatus, metricsOf, statusOf } from './status.ts';
import type { ClusterLog } from './troubles.ts';
import type { VerifyCursor } from './verify-messages.ts';

export interface ClusterOptions {
  readonly engine: StoreEngine;
  readonly node: string;
  readonly clock: Clock;
  readonly config: Config['replication'];
  readonly ports: ClusterNodeOptions['ports'];
  /** The data folder. */
  readonly folder: string;
  readonly version: string;
  readonly log: ClusterLog;
  /** Tables came in from another node: every thread is to take note. */
  readonly tablesMade: () => void;
}

/** Numbers for nodes: see `idSlots`. */
const slots = 256;
const longestTokenMs = 30 * 24 * 3600_000;
/** Certificates of a node before its present one that are told to be void; older ones have expired. */
const mostRevoked = 8;

export class Cluster {
  readonly #options: ClusterOptions;
  readonly #folder: ClusterFolder;
  #state: ClusterState | undefined;
  #credentials: Credentials | undefined;
  #running: ClusterNode | undefined;
  readonly #renewal: Renewal;
  #admissions: Promise<unknown> = Promise.resolve();

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.#folder = new ClusterFolder(options.folder);
    const { node, clock, config, log } = options;
    this.#renewal = new Renewal({
      node,
      clock,
      lifeMs: config.certificateMs,
      state: () => this.#state,
      authorities: () => this.#demandRunning().members.others.filter((member) => member.authority),
      renewed: (own, old) => this.#renewed(own, old),
      log,
    });
  }

  /** Undefined: the node is in no cluster. */
  get running(): ClusterNode | undefined {
    return this.#running;
  }

  /** Takes the node's place in the cluster it is in. Throws INVALID_CONFIG. */
  async start(): Promise<void> {
    const { config } = this.#options;
    if (config.insecure) return this.#startInsecure();
    if (config.certificate !== '') return this.#startWithOwnCertificate();
    this.#state = this.#folder.read();
    if (this.#state) await this.#startAdmitted(this.#state, false);
  }

  async ask(request: ClusterRequest): Promise<ClusterAnswer> {
    try {
      return { ok: true, value: await this.#answer(request) };
    } catch (error) {
      return { ok: false, error: errorToData(error) };
    }
  }

  metrics(): MetricsSnapshot {
    return this.#running ? metricsOf(this.#running) : [];
  }

  /** Local tables have changed. */
  schemaChanged(): void {
    this.#running?.schemaChanged();
  }

  async stop(): Promise<void> {
    this.#renewal.stop();
    await this.#running?.stop();
  }

  #answer(request: ClusterRequest): Promise<unknown> {
    switch (request.type) {
      case 'status':
        return Promise.resolve(this.#status());
      case 'init':
        return this.#init(request.cluster);
      case 'token':
        return Promise.resolve(this.#token(request.lifeMs, request.authority));
      case 'join':
        return this.#join(request.address, request.token);
      case 'remove':
        return this.#remove(request.node);
      case 'revoke':
        return this.#revoke(request.node);
      case 'rotate':
        return this.#renew();
      case 'verify':
        return this.#verify(request.repair, request.from);
      case 'haproxy':
        return Promise.resolve(haproxyBefore(this.#demandRunning(), request));
    }
  }

  #status(): ClusterStatus | { readonly enabled: false } {
    const running = this.#running;
    if (!running) return { enabled: false };
    const certificate = this.#credentials?.certificate;
    const authority = this.#state?.authorityKey !== undefined;
    return statusOf(running, { node: this.#options.node, certificate, authority });
  }

  async #verify(repair: boolean, from: VerifyCursor | null): Promise<unknown> {
    const { members, links, verifier, replicators } = this.#demandRunning();
    const unreachable = members.others.filter(({ id }) => !links.connections.has(id)).map(({ name }) => name);
    const report = await verifier.verify({ repair, from, databases: [...replicators.keys()] });
    return { ...report, unreachable };
  }

  async #init(name: string): Promise<unknown> {
    this.#demandAlone();
    const { node, clock } = this.#options;
    const cluster = `${name}-${Buffer.from(crypto.getRandomValues(new Uint8Array(4))).toString('hex')}`;
    const authority = await makeAuthority(name, clock.nowMs());
    const { key, request } = await makeRequest(node);
    const terms = { cluster, node, nowMs: clock.nowMs(), lifeMs: this.#options.config.certificateMs };
    const certificate = await issueCertificate(authority, request, terms);
    const state: ClusterState = {
      cluster,
      slots: { own: 0, from: 0, to: slots },
      seeds: [],
      own: { key, certificate },
      authority: authority.certificate,
      authorityKey: authority.key,
    };
    this.#folder.write(state);
    this.#state = state;
    await this.#startAdmitted(state, true);
    return { message: `The cluster ${cluster} is begun.`, cluster };
  }

  #token(lifeMs: number, authority: boolean): unknown {
    const state = this.#demandState();
    if (state.authorityKey === undefined)
      throw new ZerohopError(
        'CONFLICT',
        'This node does not admit others. Make the token on the node the cluster was begun on, or one that joined with a token made with --authority.',
      );
    const nowMs = this.#options.clock.nowMs();
    const untilMs = nowMs + Math.min(lifeMs, longestTokenMs);
    const { text, hash } = newToken(fingerprintOf(state.authority));
    this.#folder.tokens = [...this.#folder.tokens.filter((one) => one.untilMs > nowMs), { hash, untilMs, authority }];
    return { token: text, validUntil: new Date(untilMs).toISOString() };
  }

  async #join(address: string, text: string): Promise<unknown> {
    this.#demandAlone();
    const { engine, node, clock, config } = this.#options;
    const place = readAddress(address);
    if (!place)
      throw new ZerohopError('INVALID_REQUEST', `${address} is no address. Give a host, or host:port, of a member.`);
    const token = readToken(text);
    const { key, request } = await makeRequest(node);
    const own = ownAddress(config.address, config.port);
    const { cluster, certificate, authority, authorityKey, slots, members } = await askMember({
      ...place,
      authority: token.authority,
      nowMs: clock.nowMs(),
      request: {
        type: 'join',
        secret: token.secret,
        request,
        node,
        name: config.hostname || hostname(),
        host: own?.host ?? config.hostname,
        port: own?.port ?? config.port,
        dialled: place.host,
        databases: [...config.databases],
      },
    });
    // The member that was asked first, at the address that works from here.
    const seeds = [{ node: '', ...place }, ...members];
    const state: ClusterState = { cluster, slots, seeds, own: { key, certificate }, authority, authorityKey };
    this.#folder.write(state);
    this.#state = state;
    // The administrator this node made for itself is not to take the place of the cluster's, who may have the same name.
    engine.forget(systemDatabase, tableNames.users, isGeneratedUser);
    await this.#startAdmitted(state, false);
    return { message: `This node is in the cluster ${cluster}.`, cluster, members: members.length + 1 };
  }

  async #remove(nameOrId: string): Promise<unknown> {
    const running = this.#demandRunning();
    const member = running.members.find(nameOrId);
    if (member.id === this.#options.node)
      throw new ZerohopError('CONFLICT', 'A node can not remove itself. Ask another member to.');
    await running.members.write(member.id, { removed: true });
    running.links.drop(member.id);
    return { message: `${member.name} is removed from the cluster.` };
  }

  /** The certificate that a node has now is worth nothing any more; a new one it gets only by joining again. */
  async #revoke(nameOrId: string): Promise<unknown> {
    const running = this.#demandRunning();
    const member = running.members.find(nameOrId);
    if (member.certificate === '') throw new ZerohopError('CONFLICT', `${member.name} has no certificate.`);
    const revoked = [...new Set([...(member.revoked ?? []), member.certificate])];
    await running.members.write(member.id, { revoked });
    running.links.drop(member.id);
    return { message: `The certificate of ${member.name} is revoked.`, certificate: member.certificate };
  }

  async #startInsecure(): Promise<void> {
    const { config, node } = this.#options;
    checkInsecure(config);
    await this.#run({
      cluster: 'insecure',
      transport: overPlainTcp(`URI:zerohop://insecure/${encodeURIComponent(node)}`),
      isAdmitted: false,
    });
  }

  async #startWithOwnCertificate(): Promise<void> {
    const { config, node, clock } = this.#options;
    const { credentials, cluster } = await readOwnCertificate(config, node, clock.nowMs());
    this.#credentials = credentials;
    await this.#run({ cluster, transport: this.#secure(), isAdmitted: false });
  }

  async #startAdmitted(state: ClusterState, isFirst: boolean): Promise<void> {
    const { clock } = this.#options;
    this.#credentials = { ...state.own, authorities: [state.authority] };
    const members = () => this.#demandRunning().members;
    const guest = openGuestDoor({
      authority: state.authority,
      admit: (request, address) =>
        this.#oneAfterTheOther(() =>
          admit(
            {
              folder: this.#folder,
              state: () => this.#demandState(),
              changeState: (changed) => {
                this.#folder.write(changed);
                this.#state = changed;
              },
              members: members(),
              clock,
              lifeMs: this.#options.config.certificateMs,
              reachedAs: (host) => this.#running?.reachedAs(host),
            },
            request,
            address,
          ),
        ),
      refused: (address, reason) => this.#options.log('warn', `${address} was refused: ${reason}`),
    });
    await this.#run({
      cluster: state.cluster,
      transport: this.#secure(),
      guest,
      isAdmitted: !isFirst && state.slots.own !== 0,
      seeds: state.seeds,
      slot: state.slots.own,
    });
    this.#renewal.plan();
  }

  #oneAfterTheOther<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#admissions.then(work);
    this.#admissions = result.catch(() => {});
    return result;
  }

  #secure(): ClusterNodeOptions['transport'] {
    return overTls(() => {
      assert(this.#credentials, 'there are credentials where a certificate is used');
      return this.#credentials;
    });
  }

  async #run(
    own: Pick<ClusterNodeOptions, 'cluster' | 'transport' | 'isAdmitted'> &
      Partial<Pick<ClusterNodeOptions, 'guest' | 'seeds' | 'slot'>>,
  ): Promise<void> {
    const { engine, node, clock, config, ports, version, log, tablesMade } = this.#options;
    this.#running = await ClusterNode.start({
      seeds: [],
      slot: undefined,
      ...own,
      engine,
      node,
      clock,
      config,
      ports,
      version,
      log,
      tablesMade,
      certificate: () => this.#credentials?.certificate,
      isAuthority: this.#state?.authorityKey !== undefined,
    });
    tablesMade();
  }

  async #renew(): Promise<unknown> {
    this.#demandState();
    return this.#renewal.renew();
  }

  /** A new certificate for this node is there. */
  async #renewed(own: Issued, old: string): Promise<void> {
    const running = this.#demandRunning();
    this.#folder.writeOwn(own);
    const state = { ...this.#demandState(), own };
    this.#state = state;
    this.#credentials = { ...own, authorities: [state.authority] };
    await running.certificateChanged();
    const { node } = this.#options;
    await running.members.write(node, { revoked: [...(running.members.own?.revoked ?? []), old].slice(-mostRevoked) });
  }

  #demandAlone(): void {
    if (this.#running)
      throw new ZerohopError('CONFLICT', `This node is in the cluster ${this.#running.cluster} already.`);
  }

  #demandRunning(): ClusterNode {
    if (this.#running) return this.#running;
    throw new ZerohopError(
      'CONFLICT',
      'This node is in no cluster. Begin one with zerohop cluster init, or join one with zerohop cluster join.',
    );
  }

  #demandState(): ClusterState {
    const { cluster } = this.#demandRunning();
    if (this.#state) return this.#state;
    throw new ZerohopError('CONFLICT', `The certificates of ${cluster} are not made here: it uses your own, or none.`);
  }
}
