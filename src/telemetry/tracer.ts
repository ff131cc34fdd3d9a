// Spans by OpenTelemetry. Which span is running travels with the asynchronous calls of a tracer of its own: nothing is registered globally.

import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type Context,
  SpanKind as Kind,
  type Span as OtelSpan,
  type Tracer as OtelTracer,
  ROOT_CONTEXT,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace-base';
import {
  errorTable,
  limits,
  preciseMs,
  type Span,
  type SpanAttributes,
  type SpanKind,
  type SpanOptions,
  type Tracer,
  ZerohopError,
} from '../base/index.ts';
import { exportersFor } from './trace-exporters.ts';
import type { Tracing, TracingOptions } from './tracing-options.ts';

/** How long finished spans wait for others to be sent with, in ms. */
const batchMs = 250;

export function startTracing(options: TracingOptions): Tracing {
  const { service, version, nodeId, thread, sample, log } = options;
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({
      'service.name': service,
      'service.version': version,
      'service.instance.id': nodeId,
      'process.pid': process.pid,
      'thread.name': thread,
    }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(sample) }),
    spanProcessors: exportersFor(options, log).map(
      (exporter) =>
        new BatchSpanProcessor(exporter, {
          maxQueueSize: limits.waitingSpans,
          maxExportBatchSize: limits.spanBatch,
          scheduledDelayMillis: batchMs,
          exportTimeoutMillis: limits.traceExportMs,
        }),
    ),
  });
  return {
    tracer: new OpenTelemetryTracer(provider.getTracer('zerohop', version)),
    stop: () =>
      provider.shutdown().catch((error: unknown) => {
        log.warn(`The last spans were not sent: ${error instanceof Error ? error.message : String(error)}`);
      }),
  };
}

const kinds: Readonly<Record<SpanKind, Kind>> = { internal: Kind.INTERNAL, server: Kind.SERVER, client: Kind.CLIENT };
const propagator = new W3CTraceContextPropagator();
const headersGetter = {
  get: (headers: Headers, name: string) => headers.get(name) ?? undefined,
  keys: (headers: Headers) => [...headers.keys()],
};
const recordSetter = {
  set: (headers: Record<string, string>, name: string, value: string) => {
    headers[name] = value;
  },
};

class OpenTelemetryTracer implements Tracer {
  readonly #tracer: OtelTracer;
  readonly #running = new AsyncLocalStorage<Context>();

  constructor(tracer: OtelTracer) {
    this.#tracer = tracer;
  }

  run<Result>(name: string, options: SpanOptions, work: (span: Span) => Result): Result {
    const context = this.#contextOf(options);
    const span = this.#start(name, options, context);
    return this.#running.run(trace.setSpan(context, span.span), () => {
      try {
        const result = work(span);
        if (!(result instanceof Promise)) {
          span.end();
          return result;
        }
        result.then(
          () => span.end(),
          (error) => {
            span.fail(error);
            span.end();
          },
        );
        return result;
      } catch (error) {
        span.fail(error);
        span.end();
        throw error;
      }
    });
  }

  begin(name: string, options: SpanOptions = {}): Span {
    return this.#start(name, options, this.#contextOf(options));
  }

  headers(): Readonly<Record<string, string>> {
    const headers: Record<string, string> = {};
    propagator.inject(this.#running.getStore() ?? ROOT_CONTEXT, headers, recordSetter);
    return headers;
  }

  #contextOf({ from }: SpanOptions): Context {
    if (from !== undefined) return propagator.extract(ROOT_CONTEXT, from, headersGetter);
    return this.#running.getStore() ?? ROOT_CONTEXT;
  }

  #start(name: string, { kind = 'internal', attributes }: SpanOptions, context: Context): OpenTelemetrySpan {
    const span = this.#tracer.startSpan(
      name,
      { kind: kinds[kind], startTime: preciseMs(), ...(attributes && { attributes }) },
      context,
    );
    return new OpenTelemetrySpan(span, this.#tracer, context);
  }
}

class OpenTelemetrySpan implements Span {
  readonly span: OtelSpan;
  readonly #tracer: OtelTracer;
  readonly #context: Context;

  constructor(span: OtelSpan, tracer: OtelTracer, context: Context) {
    this.span = span;
    this.#tracer = tracer;
    this.#context = context;
  }

  get isRecorded(): boolean {
    return this.span.isRecording();
  }

  rename(name: string): void {
    this.span.updateName(name);
  }

  set(attributes: SpanAttributes): void {
    this.span.setAttributes(attributes);
  }

  fail(error: unknown): void {
    if (error instanceof ZerohopError) {
      this.span.setAttribute('error.type', error.code);
      if (errorTable[error.code].status < 500) return;
    } else this.span.setAttribute('error.type', error instanceof Error ? error.name : typeof error);
    const message = error instanceof Error ? error.message : String(error);
    this.span.setStatus({ code: SpanStatusCode.ERROR, message });
    this.span.recordException(error instanceof Error ? error : message, preciseMs());
  }

  record(name: string, startMs: number, endMs: number, attributes: SpanAttributes = {}): void {
    const context = trace.setSpan(this.#context, this.span);
    this.#tracer.startSpan(name, { startTime: startMs, attributes }, context).end(endMs);
  }

  end(): void {
    this.span.end(preciseMs());
  }
}
