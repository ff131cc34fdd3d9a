// What tracing is started with, and what one has then.

import type { Logger, Tracer } from '../base/index.ts';

export interface TraceTargets {
  /** Address of a collector, or ''. */
  readonly endpoint: string;
  /** Path of a file, or ''. */
  readonly file: string;
}

export interface TracingOptions extends TraceTargets {
  /** From 0 to 1: of the traces that begin here. */
  readonly sample: number;
  /** Of the resource that all spans have. */
  readonly service: string;
  readonly version: string;
  readonly nodeId: string;
  readonly thread: string;
  readonly log: TraceLog;
}

export interface Tracing {
  readonly tracer: Tracer;
  /** Sends what waits, as long as that may take. */
  stop(): Promise<void>;
}

export type TraceLog = Pick<Logger, 'info' | 'warn'>;
