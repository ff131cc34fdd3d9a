// What the threads of a node say to each other. Batches of writes go from a serve thread straight to the store thread over a port of their
// own, each batch one encoded buffer.

import type { MessagePort } from 'node:worker_threads';
import type { ErrorData, Logger } from '../base/index.ts';
import type { ClusterAnswer, ClusterRequest } from '../cluster/index.ts';
import type { Config } from '../config/index.ts';
import type { PagesAnswer, PagesOrder, RenderJob, RenderOutcome } from '../pages/index.ts';
import type { TableDefinition } from '../schema/index.ts';
import type { CommitOutcome, DatabaseChange, StoreTransaction } from '../store/index.ts';
import type { MetricsSnapshot } from '../telemetry/index.ts';

/** Elements of the Int32Array all threads share. */
export const shared = {
  /** Changes after every commit group. */
  commits: 0,
  /** From here on, two per serve thread: a beat that moves while the thread is not blocked, and the endpoint it served last. */
  threads: 16,
} as const;

/** Encoded with msgpackr, over a port between a serve thread and the store thread. */
export type WriteBatch = readonly (readonly [call: number, transaction: StoreTransaction])[];
export type WriteAnswers = readonly (readonly [call: number, outcome: CommitOutcome])[];

export interface StoreThreadOptions {
  readonly folder: string;
  readonly nodeId: string;
  readonly systemTables: readonly TableDefinition[];
  readonly sharedBuffer: SharedArrayBuffer;
  readonly clockDriftMs: number;
  readonly writeQueue: number;
  readonly logRetentionMs: number;
  readonly checkpointBytes: number;
  readonly replication: Config['replication'];
  readonly ports: { readonly http: number; readonly agent: number; readonly tls: boolean };
  readonly tracing: Config['tracing'];
  /** Whether the node is in a cluster from its start. */
  readonly isInCluster: boolean;
}

export type ToStore =
  | { readonly type: 'start'; readonly options: StoreThreadOptions }
  | { readonly type: 'connect'; readonly port: MessagePort }
  | { readonly type: 'applySchema'; readonly call: number; readonly tables: readonly TableDefinition[] }
  /** Answered with schemaApplied. */
  | { readonly type: 'changeDatabase'; readonly call: number; readonly change: DatabaseChange }
  | { readonly type: 'walCopied'; readonly path: string; readonly error?: ErrorData }
  | { readonly type: 'metrics'; readonly call: number }
  | { readonly type: 'cluster'; readonly call: number; readonly request: ClusterRequest }
  | { readonly type: 'stop' };

export type FromStore =
  | { readonly type: 'ready' }
  | { readonly type: 'failed'; readonly error: ErrorData }
  | { readonly type: 'schemaApplied'; readonly call: number; readonly error?: ErrorData }
  | { readonly type: 'copyWal'; readonly path: string }
  /** Tables came in from another node. */
  | { readonly type: 'tablesMade' }
  | { readonly type: 'clusterAnswered'; readonly call: number; readonly answer: ClusterAnswer }
  | {
      readonly type: 'log';
      readonly level: Extract<keyof Logger, 'info' | 'warn' | 'error'>;
      readonly message: string;
      readonly fields: Readonly<Record<string, unknown>>;
    }
  | { readonly type: 'trouble'; readonly what: string; readonly error: ErrorData }
  | { readonly type: 'metrics'; readonly call: number; readonly snapshot: MetricsSnapshot }
  | { readonly type: 'stopped' };

export type ToServe =
  | { readonly type: 'start'; readonly port: MessagePort; readonly options: ServeThreadOptions }
  | { readonly type: 'schemaApplied'; readonly call: number; readonly error?: ErrorData }
  | { readonly type: 'refresh' }
  | { readonly type: 'metrics'; readonly call: number }
  | { readonly type: 'pages'; readonly call: number; readonly order: PagesOrder }
  | { readonly type: 'rendered'; readonly call: number; readonly outcome: RenderOutcome }
  | { readonly type: 'stop' };

export type FromServe =
  | { readonly type: 'ready'; readonly port: number; readonly problems: readonly string[] }
  | { readonly type: 'failed'; readonly error: ErrorData }
  | { readonly type: 'applySchema'; readonly call: number; readonly tables: readonly TableDefinition[] }
  | { readonly type: 'endpoint'; readonly number: number; readonly name: string }
  | { readonly type: 'metrics'; readonly call: number; readonly snapshot: MetricsSnapshot }
  | { readonly type: 'pagesAnswered'; readonly call: number; readonly answer: PagesAnswer }
  | { readonly type: 'render'; readonly call: number; readonly job: RenderJob }
  | { readonly type: 'pagesFailed'; readonly call: number; readonly error: ErrorData }
  | { readonly type: 'stopped' };

export interface ServeThreadOptions {
  /** From 0. Thread 0 applies the schema and loads data. */
  readonly thread: number;
  readonly config: Config;
  readonly app: string;
  readonly dev: boolean;
  /** Whether an app that can't be loaded in full is refused. */
  readonly whole: boolean;
  /** Whether it is only looked whether the app loads. */
  readonly trial: boolean;
  readonly nodeId: string;
  readonly sharedBuffer: SharedArrayBuffer;
  /** What the page caches of all threads share. */
  readonly pagesBuffer: SharedArrayBuffer;
  /** What they share of who asks sources of tables. */
  readonly sourcesBuffer: SharedArrayBuffer;
  /** Counts of attempts to sign in and of requests. */
  readonly attemptsBuffer: SharedArrayBuffer;
  /** Port to listen on; 0 for any free one. */
  readonly httpPort: number;
}
