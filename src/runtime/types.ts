// What starting a node takes and gives.

import type { Logger } from '../base/index.ts';
import type { ClusterRequest } from '../cluster/index.ts';
import type { Config } from '../config/index.ts';
import type { PagesAnswer, PagesOrder } from '../pages/index.ts';
import type { TableDefinition } from '../schema/index.ts';
import type { DatabaseChange } from '../store/index.ts';
import type { LiveDatabases } from '../tables/index.ts';
import type { Metrics } from '../telemetry/index.ts';

export interface StartOptions {
  readonly config: Config;
  /** The app's folder. */
  readonly app: string;
  /** Reload on demand; loopback is administrator; errors in full. */
  readonly dev: boolean;
  readonly log: Logger;
  /** Where the configuration was read from, or would be: for operations that change it. */
  readonly configFile?: string;
  /** Whether it is started again when it ends with `restartCode`. */
  readonly isLaunched?: boolean;
}

export interface RunningNode {
  readonly httpUrl: string;
  readonly operationsUrl: string;
  readonly dataFolder: string;
  /** What of the app could not be loaded, one line each. */
  readonly problems: readonly string[];
  /** Loads the app anew; requests in flight end on the old code. */
  reload(): Promise<void>;
  /** An orderly stop; resolves when the data is in its files. */
  stop(): Promise<void>;
  /** Resolves when the node has ended, by `stop` or by trouble. */
  readonly stopped: Promise<{ readonly code: number; readonly reason?: string }>;
}

/** The part of a node that differs between one thread and several. */
export interface Workers {
  readonly httpPort: number;
  readonly problems: readonly string[];
  /** The data as the main thread sees it. */
  openDatabases(): Promise<LiveDatabases>;
  /** Makes or drops a database or a table. Resolves when this thread knows of it. */
  changeDatabase(change: DatabaseChange): Promise<void>;
  /** The cluster's answer, as plain data. Rejects with a ZerohopError. See cluster/cluster.ts. */
  askCluster(request: ClusterRequest): Promise<unknown>;
  /** Loads an app beside the one that runs, and lets go of it. Rejects with what could not be loaded. */
  check(app: string): Promise<void>;
  /** Loads the app anew, or from now on another. Rejects with what could not be loaded: then the one before goes on. */
  reload(app?: string): Promise<readonly string[]>;
  stop(): Promise<void>;
  /** Tells the page cache of the first serve thread, or of all. */
  pages(order: PagesOrder, whose: 'first' | 'all'): Promise<readonly PagesAnswer[]>;
  snapshots(): Promise<readonly ReturnType<Metrics['snapshot']>[]>;
}

export interface WorkersOptions extends StartOptions {
  readonly folder: string;
  readonly nodeId: string;
  readonly metrics: Metrics;
  /** Tables the node keeps for itself: in place before the app is loaded. */
  readonly systemTables: Promise<readonly TableDefinition[]>;
  /** Counts of attempts to sign in and of requests, of all threads. */
  readonly attemptsMemory: SharedArrayBuffer;
  /** The node can't go on. */
  readonly fatal: (reason: string) => void;
}
