// Every limit of the runtime, named, with its default. Configuration may change those that `config` lists.

export const limits = {
  /** Longest primary key, in UTF-8 bytes. */
  idBytes: 1978,
  /** Nesting of objects and lists in a value of a record. */
  recordDepth: 100,
  /** Largest record body, in UTF-8 bytes of JSON. */
  recordBytes: 16 * 1024 * 1024,
  /** Largest request body that is not streamed into a Blob, in bytes. */
  bodyBytes: 16 * 1024 * 1024,
  /** Largest request to the operations port, in bytes. */
  operationBytes: 64 * 1024 * 1024,
  /** Largest file of an app that is told, in bytes. */
  componentFileBytes: 5 * 1024 * 1024,
  /** Largest app that is deployed, in bytes, unpacked and without its packages. */
  deploymentBytes: 128 * 1024 * 1024,
  /** Nesting of values in a request body. */
  bodyDepth: 100,
  /** Longest request target, in bytes. */
  urlBytes: 8 * 1024,
  /** How long a request body may take to arrive, in ms. */
  bodyTimeoutMs: 60_000,
  /** Transactions waiting for the store thread before writes are refused. */
  writeQueue: 50_000,
  /** Bytes of changes waiting for the store thread before writes are refused. */
  writeQueueBytes: 256 * 1024 * 1024,
  /** Changes in one transaction. */
  transactionChanges: 100_000,
  /** Transactions in one commit group. */
  commitGroup: 1_000,
  /** A commit group takes no more of what came from other nodes when it has this many rows of it. */
  mergeGroup: 2_000,
  /** Rows a query may visit without an index. */
  scanRows: 10_000,
  /** Conditions in one query. */
  queryConditions: 100,
  /** Nesting of groups, joins and selections in one query. */
  queryDepth: 8,
  /** How long a read snapshot may be held, in ms. */
  snapshotMs: 60_000,
  /** Snapshots held at the same time by one thread. */
  snapshots: 64,
  /** WAL size at which a checkpoint starts, in bytes. */
  checkpointBytes: 32 * 1024 * 1024,
  /** How long a stop waits for requests in flight, in ms. */
  stopMs: 10_000,
  /** How far ahead of local time a version from elsewhere may be, in ms. */
  clockDriftMs: 60_000,
  /** How long the log and tombstones are kept, in ms. */
  logRetentionMs: 3 * 24 * 3600 * 1000,
  /** Records and query results a thread keeps decoded. */
  cachedRecords: 50_000,
  cachedQueries: 20_000,
  cachedBytes: 64 * 1024 * 1024,
  /** Bytes of answers of cacheable classes that a thread keeps. */
  cachedAnswerBytes: 64 * 1024 * 1024,
  /** Bytes of pages of other sites a thread keeps in memory. */
  hotPageBytes: 192 * 1024 * 1024,
  /** Bytes of bodies of such pages on disk. */
  pageDiskBytes: 10 * 1024 * 1024 * 1024,
  /** Spans of a thread that wait to be sent; more are dropped. */
  waitingSpans: 8_192,
  /** Spans that are sent together. */
  spanBatch: 512,
  /** How long sending a batch of them may take, in ms. */
  traceExportMs: 5_000,
  /** How long security events are kept, in ms. */
  securityEventsMs: 90 * 24 * 3600 * 1000,
  /** Longest SQL statement, in bytes. */
  sqlBytes: 256 * 1024,
  /** How long a SQL statement may take, in ms. */
  sqlMs: 10_000,
  /** Rows a SQL statement may answer or change. */
  sqlRows: 10_000,
  /** Bytes of a SQL statement's answer, and of each value in it. */
  sqlAnswerBytes: 32 * 1024 * 1024,
  /** Memory of a process that runs SQL statements, in bytes. */
  sqlMemoryBytes: 512 * 1024 * 1024,
  /** SQL statements that run at the same time; each has a process. */
  sqlProcesses: 2,
  /** SQL statements waiting for a process before more are refused. */
  sqlWaiting: 32,
  /** How long such a process waits for more before it ends, in ms. */
  sqlIdleMs: 60_000,
  /** Of what threads share of the sources of tables, in bytes. */
  sharedSourcesBytes: 160 * 1024,
  /** Of what threads share of attempts to sign in, in bytes. */
  sharedAttemptsBytes: 64 * 1024 + 8,
  /** Of what threads share of a page cache, in bytes. */
  sharedPagesBytes: 256 * 1024,
  /** Pages of a site that wait to be rendered. */
  rendersWaiting: 500,
  /** Pages a browser renders before another takes its place. */
  rendersOfBrowser: 500,
  /** Bytes of scripts and style sheets of rendered pages that are kept. */
  renderAssetBytes: 32 * 1024 * 1024,
  /** How long a browser without pages to render is kept, in ms. */
  renderIdleMs: 300_000,
  /** Accept headers whose choice a thread remembers. */
  cachedAccepts: 100,
} as const;
