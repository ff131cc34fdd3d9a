// Spans as OTLP's JSON has them, read back.

import { existsSync, readFileSync } from 'node:fs';
import { until } from './until.ts';

export interface ReadSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  /** '' of the first span of a trace. */
  readonly parentSpanId: string;
  readonly kind: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly isError: boolean;
  readonly exceptions: readonly unknown[];
  readonly resource: Readonly<Record<string, unknown>>;
}

interface Attribute {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

interface OtlpSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly Attribute[];
  readonly events?: readonly { readonly attributes: readonly Attribute[] }[];
  readonly status: { readonly code: number };
}

export interface OtlpRequest {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
  }[];
}

/** OTLP's status ERROR. */
const failed = 2;

export function spansIn({ resourceSpans }: OtlpRequest): ReadSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans
      .flatMap(({ spans }) => spans)
      .map((span) => ({
        name: span.name,
        traceId: span.traceId,
        spanId: span.spanId,
        parentSpanId: span.parentSpanId ?? '',
        kind: span.kind,
        startMs: Number(span.startTimeUnixNano) / 1e6,
        endMs: Number(span.endTimeUnixNano) / 1e6,
        attributes: valuesOf(span.attributes),
        isError: span.status.code === failed,
        exceptions: (span.events ?? []).map(({ attributes }) => valuesOf(attributes)['exception.message']),
        resource: valuesOf(resource.attributes),
      })),
  );
}

function valuesOf(attributes: readonly Attribute[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}

export function spansOfFile(path: string): ReadSpan[] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  return lines.flatMap((line) => spansIn(JSON.parse(line)));
}

/** All spans of a trace, once the one for the request, which ends last, is among them. */
export async function traceIn(path: string, traceId: string): Promise<ReadSpan[]> {
  const find = () => spansOfFile(path).filter((span) => span.traceId === traceId);
  await until(`the request of ${traceId} is in ${path}`, () => find().some(({ kind }) => kind === serverKind));
  return find();
}

/** OTLP's kind SERVER. */
export const serverKind = 2;

/** Name → what its parts are, in the order they began. */
export interface Tree {
  readonly [name: string]: Tree;
}

export function treeOf(spans: readonly ReadSpan[], parent: string): Tree {
  const parts = spans.filter(({ parentSpanId }) => parentSpanId === parent).sort((a, b) => a.startMs - b.startMs);
  return Object.fromEntries(parts.map(({ name, spanId }) => [name, treeOf(spans, spanId)]));
}

/** A caller's context: sampled, unless told otherwise. */
export function callerContext(sampled = true): { traceId: string; spanId: string; traceparent: string } {
  const hex = (bytes: number) => Buffer.from(crypto.getRandomValues(new Uint8Array(bytes))).toString('hex');
  const [traceId, spanId] = [hex(16), hex(8)];
  return { traceId, spanId, traceparent: `00-${traceId}-${spanId}-${sampled ? '01' : '00'}` };
}
