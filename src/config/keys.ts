// The one table of configuration keys. The file's shape, the `ZEROHOP_*` variables, the flags, `--help`, the type `Config` and
// docs/reference/configuration.md all come from it.

import { limits } from '../base/index.ts';
import { addressOrNone, databases, fileOrNone, nameOrNone, replicationPort, routes } from './cluster-kinds.ts';
import {
  amount,
  folder,
  host,
  type Kind,
  oneOf,
  origins,
  port,
  ratio,
  text,
  threadCount,
  urlOrNone,
  wholeNumber,
  yesOrNo,
} from './kinds.ts';

/** What a key is, and its value when nobody sets it. */
export class Key<T> {
  readonly kind: Kind<T>;
  readonly default: T;
  /** A phrase without full stop. */
  readonly description: string;

  constructor(kind: Kind<T>, fallback: T, description: string) {
    this.kind = kind;
    this.default = fallback;
    this.description = description;
  }
}

const key = <T>(kind: Kind<T>, fallback: NoInfer<T>, description: string): Key<T> =>
  new Key<T>(kind, fallback, description);

export const keys = {
  http: {
    port: key(port, 9926, 'port the application is served on'),
    host: key(host, '::', 'address the application is served on; by default all, IPv4 and IPv6'),
    compressionThreshold: key(
      wholeNumber(0, 2 ** 31),
      1200,
      'responses shorter than this many bytes are not compressed',
    ),
  },
  operations: {
    port: key(port, 9925, 'port of the operations API, metrics and health'),
    host: key(host, '127.0.0.1', 'address of the operations API'),
  },
  tls: {
    certificate: key(
      fileOrNone,
      '',
      'certificate of this node for its clients and those it was issued by, a PEM file: with it, both doors speak HTTPS',
    ),
    key: key(fileOrNone, '', 'its private key, a PEM file'),
    authority: key(fileOrNone, '', 'authorities that certificates of clients are by, a PEM file'),
    clients: key(
      oneOf('clients', ['none', 'optional', 'required']),
      'none',
      'whether clients show certificates of their own: none, optional or required',
    ),
    clientName: key(
      oneOf('field', ['commonName', 'email', 'none']),
      'commonName',
      'what of their certificate is the username: commonName, email, or none: they send credentials beside it',
    ),
    redirectPort: key(
      wholeNumber(0, 65_535, ' (0: none)'),
      0,
      'port on which plain HTTP is sent on to the address with HTTPS; by default none',
    ),
    hstsSeconds: key(
      wholeNumber(0, 2 ** 31),
      0,
      'how long browsers use HTTPS alone from then on; 0: they are not told to',
    ),
  },
  data: key(folder, './data', 'folder the databases are kept in'),
  threads: key(threadCount, 'auto', 'serve threads; auto: one less than there are cores, at least 1'),
  authorizeLocal: key(yesOrNo, false, 'requests from this machine are administrator; on under `zerohop dev`'),
  openid: {
    issuer: key(text, '', 'address of the OpenID Connect provider users may sign in with; by default none'),
    clientId: key(text, '', 'what the provider knows this site as'),
    clientSecretFile: key(fileOrNone, '', 'file with the secret the provider gave this site; none for a public client'),
    origin: key(text, '', 'address of this site as browsers know it, such as https://shop.example'),
    claim: key(text, 'email', 'what the provider says that is the username here; one that users can not choose there'),
    role: key(text, '', 'role of users who sign in for the first time; by default only existing users may'),
  },
  rateLimit: {
    perUser: key(wholeNumber(0, 2 ** 31), 0, 'requests a user may send in a minute; 0: as many as they like'),
    perAddress: key(
      wholeNumber(0, 2 ** 31),
      0,
      'requests without credentials an address may send in a minute; 0: as many as it likes',
    ),
  },
  cors: {
    origins: key(origins, [], 'origins whose pages may call the application; none by default'),
  },
  log: {
    level: key(
      oneOf('level', ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']),
      'info',
      'lowest level that is written: trace, debug, info, warn, error, fatal or silent',
    ),
    format: key(
      oneOf('format', ['auto', 'json', 'pretty']),
      'auto',
      'json, pretty, or auto: pretty on a terminal, JSON lines elsewhere',
    ),
    keep: key(yesOrNo, true, 'the log is kept in the data folder as well, 8 MiB of it, for the operation read_log'),
  },
  tracing: {
    endpoint: key(urlOrNone, '', 'where spans are sent by OTLP over HTTP, such as http://localhost:4318'),
    file: key(fileOrNone, '', 'file spans are appended to, one OTLP request as JSON in each line'),
    sample: key(
      ratio,
      1,
      'part of the traces begun here that is recorded; a caller who sends traceparent decides itself',
    ),
    service: key(text, 'zerohop', 'service.name of the spans'),
  },
  replication: {
    port: key(port, replicationPort, 'port other nodes of the cluster connect to; open once the node is in a cluster'),
    host: key(host, '::', 'address other nodes of the cluster connect to; by default all, IPv4 and IPv6'),
    hostname: key(nameOrNone, '', "this node's name in the cluster; by default the machine's"),
    region: key(nameOrNone, '', 'where this node is, such as eu-west: for load balancers'),
    shard: key(
      wholeNumber(0, 65_535, ' (0: none)'),
      0,
      'number of the shard this node belongs to, for tables whose places are chosen by code (setResidencyById)',
    ),
    address: key(addressOrNone, '', 'where other nodes reach this one, when that is not its name and replication.port'),
    databases: key(databases, ['*'], 'databases that are replicated'),
    routes: key(routes, [], 'peers this node connects to by itself, and what goes which way'),
    mesh: key(
      oneOf('mesh', ['full', 'routes']),
      'full',
      'full: a connection to every member; routes: to those of replication.routes only',
    ),
    certificate: key(fileOrNone, '', 'certificate of this node by an authority of your own, a PEM file'),
    key: key(fileOrNone, '', 'its private key, a PEM file'),
    authority: key(fileOrNone, '', 'certificates of the authorities of all nodes, a PEM file'),
    certificateMs: key(
      wholeNumber(10_000, 20 * 365 * 24 * 3600_000),
      90 * 24 * 3600_000,
      'how long the certificates last that this node gives out; they are renewed after two thirds of it',
    ),
    insecure: key(
      yesOrNo,
      false,
      'no encryption and no certificates, for experiments: only with replication.host and routes on this machine',
    ),
  },
  agent: {
    port: key(
      wholeNumber(0, 65_535, ' (0: none)'),
      0,
      "port on which a load balancer asks how this node is (HAProxy's agent-check); by default none",
    ),
    host: key(host, '::', 'address of that port; by default all, IPv4 and IPv6'),
    drainMs: key(
      wholeNumber(0, 600_000),
      5_000,
      'how long a node that stops goes on serving after it has told the load balancer; 0: not at all',
    ),
  },
  analytics: {
    periodMs: key(amount, 60_000, 'how long each of the stretches is that the operation get_analytics tells of'),
  },
  storage: {
    checkpointBytes: key(amount, limits.checkpointBytes, 'size of the write-ahead log at which a checkpoint starts'),
    logRetentionMs: key(amount, limits.logRetentionMs, 'how long the change log and deleted records are kept'),
  },
  limits: {
    bodyBytes: key(amount, limits.bodyBytes, 'largest request body that is not streamed into a Blob'),
    bodyTimeoutMs: key(amount, limits.bodyTimeoutMs, 'how long a request body may take to arrive'),
    urlBytes: key(amount, limits.urlBytes, 'longest request target'),
    writeQueue: key(amount, limits.writeQueue, 'transactions waiting to be committed before writes are refused'),
    scanRows: key(amount, limits.scanRows, 'rows a query may visit without an index'),
    snapshotMs: key(amount, limits.snapshotMs, 'how long a read snapshot may be held'),
    stopMs: key(amount, limits.stopMs, 'how long a stop waits for requests in flight'),
    sqlMs: key(amount, limits.sqlMs, 'how long a SQL statement may take'),
    sqlRows: key(amount, limits.sqlRows, 'rows a SQL statement may answer or change'),
    clockDriftMs: key(amount, limits.clockDriftMs, 'how far ahead of the local clock a version from elsewhere may be'),
  },
};

type ValuesOf<Tree> = {
  readonly [Name in keyof Tree]: Tree[Name] extends Key<infer T> ? T : ValuesOf<Tree[Name]>;
};

/** The configuration of one node: complete, checked and frozen. `data` is absolute. */
export type Config = ValuesOf<typeof keys>;

/** A key with all its names. */
export interface NamedKey {
  /** Dotted: 'http.port'. */
  readonly path: string;
  /** 'ZEROHOP_HTTP_PORT'. */
  readonly variable: string;
  /** '--http-port'. */
  readonly flag: string;
  readonly key: Key<unknown>;
}

export const namedKeys: readonly NamedKey[] = list(keys, []);

function list(tree: object, path: readonly string[]): NamedKey[] {
  return Object.entries(tree).flatMap(([name, child]: [string, unknown]) => {
    const here = [...path, name];
    if (child instanceof Key) return [nameKey(here, child)];
    return typeof child === 'object' && child !== null ? list(child, here) : [];
  });
}

function nameKey(path: readonly string[], key: Key<unknown>): NamedKey {
  const words = path.flatMap((part) => part.split(/(?=[A-Z])/)).map((word) => word.toLowerCase());
  return {
    path: path.join('.'),
    variable: `ZEROHOP_${words.join('_').toUpperCase()}`,
    flag: `--${words.join('-')}`,
    key,
  };
}
