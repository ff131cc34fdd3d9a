// Operations on the cluster: begin, join, let others join, remove, renew, and how it stands.

import { ZerohopError } from '../../base/index.ts';
import type { ClusterRequest, ClusterStatus, PeerStatus, VerifyCursor } from '../../cluster/index.ts';
import type { Operation, OperationCall } from './types.ts';

type Body = OperationCall['body'];

const tokenLifeMs = 3600_000;

/** What this node tells load balancers about maintenance. */
export interface MaintenanceSwitch {
  /** Undefined: nobody is told anything. */
  readonly isOn: boolean | undefined;
  turn(isOn: boolean): void;
}

/** @param ask brings a request to the cluster, and its answer as plain data back */
export function clusterOperations(
  ask: (request: ClusterRequest) => Promise<unknown>,
  maintenance: MaintenanceSwitch,
): Operation[] {
  const operation = (name: string, request: (body: Body) => ClusterRequest): Operation => ({
    name,
    access: 'super_user',
    run: ({ body }) => ask(request(body)),
  });
  const join = (body: Body): ClusterRequest => ({
    type: 'join',
    address: text(body, 'address', 'hostname', 'url'),
    token: text(body, 'token'),
  });
  const remove = (body: Body): ClusterRequest => ({ type: 'remove', node: text(body, 'node', 'hostname', 'name') });
  return [
    operation('cluster_init', (body) => ({ type: 'init', cluster: clusterName(body.cluster) })),
    operation('cluster_token', (body) => ({
      type: 'token',
      lifeMs: lifeOf(body.expires),
      authority: body.authority === true,
    })),
    operation('cluster_join', join),
    operation('add_node', join),
    operation('cluster_remove', remove),
    operation('remove_node', remove),
    operation('cluster_revoke', (body) => ({ type: 'revoke', node: text(body, 'node', 'hostname', 'name') })),
    operation('cluster_rotate', () => ({ type: 'rotate' })),
    operation('cluster_haproxy', ({ region, bind = ':80', ca_file: caFile = systemAuthorities }) => ({
      type: 'haproxy',
      region: regionOf(region),
      bind: bindOf(bind),
      caFile: fileOf(caFile),
    })),
    operation('cluster_verify', ({ repair, from }) => ({
      type: 'verify',
      repair: repair === true,
      from: cursorFrom(from),
    })),
    {
      name: 'cluster_maintenance',
      access: 'super_user',
      run: async ({ body }) => turn(maintenance, body.on),
    },
    {
      name: 'cluster_status',
      access: 'super_user',
      run: async () => withConnections((await ask({ type: 'status' })) as ClusterStatus | { readonly enabled: false }),
    },
  ];
}

function turn(maintenance: MaintenanceSwitch, isOn: unknown): unknown {
  if (typeof isOn !== 'boolean') throw new ZerohopError('INVALID_REQUEST', 'Give "on": true or false.');
  if (maintenance.isOn === undefined)
    throw new ZerohopError(
      'CONFLICT',
      'This node tells load balancers nothing: start it with agent.port set (--agent-port, ZEROHOP_AGENT_PORT).',
    );
  maintenance.turn(isOn);
  return {
    message: isOn ? 'Load balancers are told to send nothing here.' : 'Load balancers are told to send requests here.',
  };
}

/** `next` of the answer before. */
function cursorFrom(value: unknown): VerifyCursor | null {
  if (value === undefined || value === null) return null;
  const { database, table, after } = value as Readonly<Record<string, unknown>>;
  const isId = after === null || typeof after === 'string' || typeof after === 'number';
  if (typeof database === 'string' && typeof table === 'string' && isId) return { database, table, after };
  throw new ZerohopError('INVALID_REQUEST', '"from" is "next" of the answer before, or left out.');
}

function regionOf(value: unknown): string | undefined {
  if (value === undefined || typeof value === 'string') return value;
  throw new ZerohopError('INVALID_REQUEST', '"region" is a text: replication.region of some members.');
}

/** Where Debian keeps the authorities that programs trust. */
const systemAuthorities = '/etc/ssl/certs/ca-certificates.crt';

/** The name of a file, as one word of HAProxy's configuration. */
function fileOf(value: unknown): string {
  if (typeof value === 'string' && /^[A-Za-z0-9@/._+-]+$/.test(value)) return value;
  throw new ZerohopError(
    'INVALID_REQUEST',
    '"ca_file" is a file where HAProxy runs, with the authorities of the certificates of the members: letters, digits and / . _ + - alone.',
  );
}

/** What HAProxy's `bind` takes, on one line. */
function bindOf(value: unknown): string {
  if (typeof value === 'string' && /^[!-~]+( [!-~]+)*$/.test(value) && !value.includes('#')) return value;
  throw new ZerohopError('INVALID_REQUEST', '"bind" is what HAProxy listens on, such as ":80".');
}

/** With the fields under which existing clients look for it. */
function withConnections(status: ClusterStatus | { readonly enabled: false }): unknown {
  if (!status.enabled) return { type: 'cluster-status', is_enabled: false, connections: [], ...status };
  return {
    type: 'cluster-status',
    node_name: status.name,
    is_enabled: true,
    connections: status.peers.map(connectionOf),
    ...status,
  };
}

function connectionOf({ name, address, databases, roundTripMs }: PeerStatus): unknown {
  return {
    name,
    url: `wss://${address}`,
    database_sockets: databases.map(({ database, connected }) => ({ database, connected, latency: roundTripMs })),
  };
}

/** The first of the names that is there. Throws INVALID_REQUEST. */
function text(body: Body, ...names: readonly [string, ...string[]]): string {
  for (const name of names) {
    const value = body[name];
    if (typeof value === 'string' && value !== '') return value;
  }
  throw new ZerohopError('INVALID_REQUEST', `Give "${names[0]}", a text.`);
}

function clusterName(value: unknown): string {
  if (value === undefined) return 'cluster';
  if (typeof value === 'string' && /^[A-Za-z0-9_-]{1,64}$/.test(value)) return value;
  throw new ZerohopError('INVALID_REQUEST', 'The name of a cluster has 1 to 64 letters, digits, - and _.');
}

/** In seconds, or as "30m", "2h", "1d". */
function lifeOf(value: unknown): number {
  if (value === undefined) return tokenLifeMs;
  const [, digits, unit = 's'] = /^(\d{1,6})([smhd])?$/.exec(String(value)) ?? [];
  const seconds = Number(digits) * ({ s: 1, m: 60, h: 3600, d: 86_400 }[unit] ?? Number.NaN);
  if (seconds > 0) return seconds * 1000;
  throw new ZerohopError(
    'INVALID_REQUEST',
    `"expires" is how long the token is good, such as "30m", not ${String(value)}.`,
  );
}
