// A node, as app code and the doors reach it.

import type { Logger, Tracer } from '../base/index.ts';
import type { Databases } from '../tables/index.ts';
import type { AppServer } from './app-server.ts';
import type { Registry } from './registry.ts';

export interface AppNode {
  readonly databases: Databases;
  readonly registry: Registry;
  readonly server: AppServer;
  readonly log: Logger;
  readonly config: Readonly<Record<string, unknown>>;
  /** Undefined: nothing is traced. */
  readonly tracer?: Tracer;
}
