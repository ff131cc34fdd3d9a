// What every floor may be handed to say what it spends its time on. `telemetry` makes tracers; nothing below it knows where spans go. Without
// tracing there is no tracer at all: whoever may have one asks for `undefined`, and nothing else is paid.

export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

/** server: done for a caller elsewhere. client: a call to somebody else, the database included. */
export type SpanKind = 'internal' | 'server' | 'client';

/** Something that takes time, as part of a trace. */
export interface Span {
  /** False when the trace is not sampled: nothing said of it is kept. */
  readonly isRecorded: boolean;
  rename(name: string): void;
  set(attributes: SpanAttributes): void;
  /** It failed, unless the error is a refusal that is the caller's fault. */
  fail(error: unknown): void;
  /** A part of it that is over. Times in ms since 1970, with fractions. */
  record(name: string, startMs: number, endMs: number, attributes?: SpanAttributes): void;
  end(): void;
}

export interface SpanOptions {
  readonly kind?: SpanKind;
  readonly attributes?: SpanAttributes;
  /** Headers of a request from elsewhere, whose trace this one continues (W3C Trace Context). */
  readonly from?: Headers;
}

export interface Tracer {
  /** Runs `work` in a span that ends when it has returned or thrown, or its promise is settled. Spans begun in it, also later, are its parts. */
  run<Result>(name: string, options: SpanOptions, work: (span: Span) => Result): Result;
  /** A part of the running span, which the caller ends. */
  begin(name: string, options?: SpanOptions): Span;
  /** `traceparent`, and `tracestate` where there is one, for a request that is part of the running span; nothing outside of one. */
  headers(): Readonly<Record<string, string>>;
}

/** Now, in ms since 1970 with fractions, as spans are timed. */
export function preciseMs(): number {
  return performance.timeOrigin + performance.now();
}
