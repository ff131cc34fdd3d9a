// Where finished spans go: a collector, by OTLP over HTTP, and a file with the same requests, one in each line.

import { appendFile } from 'node:fs/promises';
import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-base';
import { limits } from '../base/index.ts';
import type { TraceLog, TraceTargets } from './tracing-options.ts';

export function exportersFor({ endpoint, file }: TraceTargets, log: TraceLog): SpanExporter[] {
  const exporters: SpanExporter[] = [];
  if (endpoint !== '') {
    const url = tracesUrl(endpoint);
    const sending = new OTLPTraceExporter({ url, timeoutMillis: limits.traceExportMs });
    exporters.push(new ToldOnce(sending, url, log));
  }
  if (file !== '') exporters.push(new ToldOnce(new FileExporter(file), file, log));
  return exporters;
}

/** Of a collector's base address, the path OTLP says; any other path is meant as it stands. */
function tracesUrl(endpoint: string): string {
  const url = new URL(endpoint);
  if (url.pathname === '/') url.pathname = '/v1/traces';
  return url.href;
}

/** Several threads append to one file: each batch is one write of whole lines. */
class FileExporter implements SpanExporter {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    const line = JsonTraceSerializer.serializeRequest(spans) ?? new Uint8Array();
    appendFile(this.#path, Buffer.concat([line, Buffer.from('\n')])).then(
      () => done({ code: ExportResultCode.SUCCESS }),
      (error: Error) => done({ code: ExportResultCode.FAILED, error }),
    );
  }

  async shutdown(): Promise<void> {}
}

/** What can't be sent is dropped: the log says so once, and once more when it goes on. */
class ToldOnce implements SpanExporter {
  readonly #inner: SpanExporter;
  readonly #where: string;
  readonly #log: TraceLog;
  #isFailing = false;

  constructor(inner: SpanExporter, where: string, log: TraceLog) {
    this.#inner = inner;
    this.#where = where;
    this.#log = log;
  }

  export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    this.#inner.export(spans, ({ code, error }) => {
      const isFailing = code !== ExportResultCode.SUCCESS;
      if (isFailing && !this.#isFailing)
        this.#log.warn(
          `Spans can't be sent to ${this.#where}: ${error?.message ?? 'it refused them'}. They are dropped until that works.`,
        );
      if (!isFailing && this.#isFailing) this.#log.info(`Spans are sent to ${this.#where} again.`);
      this.#isFailing = isFailing;
      done({ code: ExportResultCode.SUCCESS });
    });
  }

  shutdown(): Promise<void> {
    return this.#inner.shutdown();
  }
}
