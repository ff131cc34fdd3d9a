// The state of replication as one node sees it, as plain data, and as metrics.

import type { FamilySnapshot, MetricsSnapshot, NumberSeries } from '../telemetry/index.ts';
import { refusalOf } from './admission.ts';
import { fingerprintOf, lifeOf, renewalMs } from './certificates.ts';
import type { ClusterNode } from './cluster-node.ts';
import type { MovesStatus } from './moves.ts';

export interface ClusterStatus {
  readonly enabled: true;
  readonly cluster: string;
  readonly node: string;
  readonly name: string;
  readonly port: number;
  readonly encrypted: boolean;
  readonly authority: boolean;
  /** Of the certificate, in ms since 1970; null without one. */
  readonly validUntil: number | null;
  readonly renewAt: number | null;
  /** How long this node has lacked what another has on disk; 0: nothing is missing. */
  readonly missingSeconds: number;
  /** Why no member talks to this node, as far as it has heard; absent: it is one of them. */
  readonly excluded?: string;
  readonly peers: readonly PeerStatus[];
  /** Absent: every node has all records. `due`: records that are to go elsewhere by what is in them. */
  readonly spread?: MovesStatus & { readonly due: number };
}

export interface PeerStatus {
  readonly id: string;
  readonly name: string;
  readonly address: string;
  readonly version: string;
  /** 0: none. */
  readonly shard: number;
  readonly connected: boolean;
  /** In ms since 1970. */
  readonly connectedSince: number | null;
  readonly roundTripMs: number | null;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** Bytes this node has written that the peer has not taken. */
  readonly queuedBytes: number;
  readonly lastError: { readonly message: string; readonly at: number } | null;
  readonly databases: readonly DatabaseStatus[];
}

export interface DatabaseStatus {
  readonly database: string;
  readonly connected: boolean;
  /** Transactions of all origins that the peer does not have on disk yet, and for how long it has lacked the oldest. */
  readonly behind: number;
  readonly behindSeconds: number;
  /** Transactions the peer has on disk and this node lacks. */
  readonly missing: number;
  /** Name of the origin → the same. Origins of which nothing is missing on either side are left out. */
  readonly origins: Readonly<
    Record<string, { readonly behind: number; readonly behindSeconds: number; readonly missing: number }>
  >;
  /** Whether the tables are equal at equal vectors; null: there was no moment yet to compare. */
  readonly equal: boolean | null;
  readonly differences: readonly string[];
  /** When last compared, in ms since 1970. */
  readonly comparedAt: number | null;
}

/** `certificate`: PEM of the one in use, if there is one. `authority`: whether the node admits others. */
export function statusOf(
  running: ClusterNode,
  own: { readonly node: string; readonly certificate: string | undefined; readonly authority: boolean },
): ClusterStatus {
  const { node, certificate, authority } = own;
  const moves = running.moves.status();
  const spread = moves && { ...moves, due: running.settler.due };
  const excluded = refusalOf(running.members.own, certificate && fingerprintOf(certificate));
  return {
    enabled: true,
    cluster: running.cluster,
    node,
    name: running.name,
    port: running.port,
    encrypted: certificate !== undefined,
    authority,
    validUntil: certificate === undefined ? null : lifeOf(certificate).untilMs,
    renewAt: certificate === undefined ? null : renewalMs(certificate),
    missingSeconds: running.missingSeconds,
    ...(excluded !== undefined && { excluded }),
    peers: peersOf(running),
    ...(spread && { spread }),
  };
}

function peersOf(node: ClusterNode): PeerStatus[] {
  const { members, links, troubles } = node;
  const known = new Set(members.others.map(({ id }) => id));
  const strangers = links.connected.filter((id) => !known.has(id));
  return [...known, ...strangers].map((id): PeerStatus => {
    const member = members.all.get(id);
    const connection = links.connections.get(id);
    const trouble = troubles.of(id);
    return {
      id,
      name: members.nameOf(id),
      address: member && member.host !== '' ? `${member.host}:${member.port}` : (connection?.address ?? ''),
      version: member?.version ?? '',
      shard: member?.shard ?? 0,
      connected: connection !== undefined,
      connectedSince: connection?.sinceMs ?? null,
      roundTripMs: connection?.roundTripMs ?? null,
      sentBytes: connection?.sentBytes ?? 0,
      receivedBytes: connection?.receivedBytes ?? 0,
      queuedBytes: connection?.queuedBytes ?? 0,
      lastError: trouble ? { message: trouble.message, at: trouble.atMs } : null,
      databases: [...node.replicators.keys()].sort().map((database) => databaseOf(node, id, database)),
    };
  });
}

function databaseOf(node: ClusterNode, peer: string, database: string): DatabaseStatus {
  const lags = node.lagOf(peer, database);
  const compared = node.comparison(peer, database);
  const differences = compared?.different;
  const origins = Object.fromEntries(
    lags
      .filter(({ commits, missingHere }) => commits > 0 || missingHere > 0)
      .map(({ origin, commits, seconds, missingHere }) => [
        node.members.nameOf(origin),
        { behind: commits, behindSeconds: seconds, missing: missingHere },
      ]),
  );
  return {
    database,
    connected: node.links.connections.get(peer)?.databases.get(database) ?? false,
    behind: lags.reduce((sum, { commits }) => sum + commits, 0),
    behindSeconds: lags.reduce((most, { seconds }) => Math.max(most, seconds), 0),
    missing: lags.reduce((sum, { missingHere }) => sum + missingHere, 0),
    origins,
    equal: differences === undefined ? null : differences.length === 0,
    differences: differences ?? [],
    comparedAt: compared?.atMs ?? null,
  };
}

/** As Prometheus families; nothing while the node is in no cluster. */
export function metricsOf(node: ClusterNode): MetricsSnapshot {
  const peers = peersOf(node);
  const ofPeers = (name: string, help: string, read: (peer: PeerStatus) => number | null): FamilySnapshot => ({
    kind: 'gauge',
    name,
    help,
    series: peers.flatMap((peer): NumberSeries[] => {
      const value = read(peer);
      return value === null ? [] : [{ labels: { peer: peer.name }, value }];
    }),
  });
  const ofDatabases = (name: string, help: string, read: (one: DatabaseStatus) => number | null): FamilySnapshot => ({
    kind: 'gauge',
    name,
    help,
    series: peers.flatMap(({ name: peer, databases }) =>
      databases.flatMap((one): NumberSeries[] => {
        const value = read(one);
        return value === null ? [] : [{ labels: { peer, database: one.database }, value }];
      }),
    ),
  });
  return [
    ofPeers('zerohop_peer_connected', 'Whether there is a connection to the peer', ({ connected }) =>
      Number(connected),
    ),
    ofPeers('zerohop_peer_round_trip_seconds', 'Time to the peer and back', ({ roundTripMs }) =>
      roundTripMs === null ? null : roundTripMs / 1000,
    ),
    ofPeers('zerohop_peer_sent_bytes', 'Bytes sent on the connection to the peer', ({ sentBytes }) => sentBytes),
    ofPeers('zerohop_peer_received_bytes', 'Bytes that came on it', ({ receivedBytes }) => receivedBytes),
    ofPeers('zerohop_peer_queued_bytes', 'Bytes the peer has not taken', ({ queuedBytes }) => queuedBytes),
    ofDatabases(
      'zerohop_replication_behind_transactions',
      'Transactions that the peer does not have on disk',
      ({ behind }) => behind,
    ),
    ofDatabases(
      'zerohop_replication_behind_seconds',
      'How long the peer has lacked the oldest of them',
      ({ behindSeconds }) => behindSeconds,
    ),
    ofDatabases(
      'zerohop_replication_missing_transactions',
      'Transactions that the peer has on disk and this node lacks',
      ({ missing }) => missing,
    ),
    ofDatabases(
      'zerohop_replication_equal',
      'Whether tables were equal when both nodes had the same transactions',
      ({ equal }) => (equal === null ? null : Number(equal)),
    ),
  ];
}
