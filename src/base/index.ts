// What every floor may use: errors and their codes, limits, clocks, assertions, what threads share. Knows nothing of data or HTTP.

export { assert, unreachable } from './assert.ts';
export { type Clock, HybridClock, systemClock } from './clock.ts';
export {
  type ErrorCode,
  type ErrorData,
  errorFromData,
  errorTable,
  errorToData,
  problemType,
  ZerohopError,
} from './errors.ts';
export { type ExactJson, parseExact, stringifyExact } from './exact-json.ts';
export type { Json, JsonObject } from './json.ts';
export { lazily } from './lazily.ts';
export { limits } from './limits.ts';
export type { LogFields, Logger, LogLevel } from './log.ts';
export type { Counter, Gauge, Histogram } from './meters.ts';
export { nearest } from './nearest.ts';
export { type Lead, SharedFlights, sharedFlightsBytes } from './shared-flights.ts';
export { shown } from './shown.ts';
export { preciseMs, type Span, type SpanAttributes, type SpanKind, type SpanOptions, type Tracer } from './tracing.ts';
