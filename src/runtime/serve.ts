// One serving thread's worth of a node: the app with its tables, behind an HTTP listener. Used by every serve thread, and by a node with
// `threads: 0` in its only one.

import type { Logger } from '../base/index.ts';
import { loadApp } from '../components/index.ts';
import type { Config } from '../config/index.ts';
import { createHttpHandler, listen } from '../protocols/http/index.ts';
import { Registry } from '../resources/index.ts';
import type { LiveDatabases } from '../tables/index.ts';
import type { Metrics } from '../telemetry/index.ts';

export interface ServeOptions {
  readonly config: Config;
  readonly app: string;
  readonly dev: boolean;
  /** Whether this thread applies the schema and loads data. */
  readonly primary: boolean;
  readonly databases: LiveDatabases;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly httpPort: number;
  /** Told the endpoint a request is about to run, by its number in `endpoints`. */
  readonly entering?: (endpoint: string) => void;
}

export interface Serving {
  readonly port: number;
  readonly problems: readonly string[];
  /** Stops accepting, waits for requests in flight as long as the configuration says, and closes the app. */
  stop(): Promise<void>;
}
