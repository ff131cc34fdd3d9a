// npm run bench -- shop trace, or bun bench/shop/trace.ts, which keeps the drawing: bench/results/waterfall.svg
//
// One request for a product page through each stack, traced, and drawn as a waterfall. The page is one nobody has
// asked for, so that each stack has to make it; of several such requests, the one that took the median time. Code is warm.

import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type ReadSpan, spansOfFile } from '../../test/support/spans.ts';
import type { Part } from '../benchmark.ts';
import { row } from '../figures.ts';
import { freePort } from '../lab.ts';
import { describeMachine } from '../machine.ts';
import { writeResult } from '../report.ts';
import { createStack, type StackName, stackNames } from './stacks.ts';
import { until } from './until.ts';
import { durationMs, kindOf, type Trace, waterfall } from './waterfall.ts';

const preload = resolve(import.meta.dirname, 'trace-preload.js');
const warmUps = 150;
const measured = 21;

const abouts: Readonly<Record<StackName, string>> = {
  unified: 'one Zerohop node',
  monolith: 'one Fastify process and PostgreSQL',
  microservices: 'five Fastify processes and PostgreSQL',
};

/** The trace that took the median time, and how long each took. */
interface StackTrace extends Trace {
  readonly name: string;
  readonly runsMs: readonly number[];
}

/** The stacks run one after the other. */
export async function traceStacks(folder: string, progress: (what: string) => void): Promise<readonly StackTrace[]> {
  const traces: StackTrace[] = [];
  for (const name of stackNames) {
    progress(`tracing ${name}`);
    const file = join(folder, `${name}.ndjson`);
    const environment = {
      zerohop: { ZEROHOP_TRACING_FILE: file, ZEROHOP_TRACING_SAMPLE: '0', ZEROHOP_TRACING_SERVICE: 'zerohop' },
      node: { NODE_OPTIONS: `--import=${preload}`, TRACE_FILE: file },
    };
    await using stack = await createStack(name, join(folder, name), freePort(), environment);
    await stack.start();
    const ask = (product: number, traceId?: string) => askFor(stack.url, product, traceId);
    for (let at = 0; at < warmUps; at++) await ask(300 + at);
    traces.push(await medianTrace(file, name, abouts[name], (at, traceId) => ask(100 + at, traceId)));
    if (name === 'unified') {
      const about = 'the answer is kept until something in it changes';
      traces.push(await medianTrace(file, 'unified, asked again', about, (at, traceId) => ask(100 + at, traceId)));
    }
  }
  return traces;
}

async function askFor(url: string, product: number, traceId?: string): Promise<void> {
  const headers: Record<string, string> =
    traceId === undefined ? {} : { traceparent: `00-${traceId}-${randomBytes(8).toString('hex')}-01` };
  const response = await fetch(`${url}/Pdp/p-${String(product).padStart(4, '0')}`, { headers });
  await response.arrayBuffer();
  if (response.status !== 200) throw new Error(`${url} answered ${response.status} for product ${product}`);
}

async function medianTrace(
  file: string,
  name: string,
  about: string,
  ask: (at: number, traceId: string) => Promise<void>,
): Promise<StackTrace> {
  const ids = Array.from({ length: measured }, () => randomBytes(16).toString('hex'));
  for (const [at, traceId] of ids.entries()) await ask(at, traceId);
  const find = () => Map.groupBy(spansOfFile(file), ({ traceId }) => traceId);
  await until(
    () => `The spans of ${name} did not come to ${file}.`,
    async () =>
      ids.every((id) =>
        find()
          .get(id)
          ?.some((span) => isRoot(span, find().get(id) ?? [])),
      ),
    () => false,
  );
  const all = find();
  const found = ids.map((id) => all.get(id) ?? []).sort((a, b) => durationMs(a) - durationMs(b));
  const spans = found[Math.floor(found.length / 2)] ?? [];
  const calls = spans.filter((span) => kindOf(span) === 'call').length;
  const queries = spans.filter((span) => kindOf(span) === 'database').length;
  const title = `${name}: ${about} — ${durationMs(spans).toFixed(2)} ms, ${plural(calls, 'call')}, ${plural(queries, 'read')}`;
  return { name, title, spans, runsMs: found.map(durationMs) };
}

/** The request from outside: nothing else it could be a part of was traced. */
function isRoot({ parentSpanId, kind }: ReadSpan, spans: readonly ReadSpan[]): boolean {
  return kind === 2 && !spans.some(({ spanId }) => spanId === parentSpanId);
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

export const trace: Part = {
  name: 'trace',
  about: 'a product page nobody has asked for, traced through each stack, and drawn',
  async run(lab, _pace, { progress, draw }) {
    const folder = lab.newPath('trace');
    mkdirSync(folder);
    const machine = machineOf(lab.folder);
    const traces = await traceStacks(folder, progress);
    await draw('waterfall', drawTraces(traces, machine));
    return traces.map(({ name, runsMs }) => row({ name: `product page, traced: ${name}`, unit: 'ms', runs: runsMs }));
  },
};

function machineOf(folder: string): string {
  const { cpu, cores, loadBefore } = describeMachine(folder);
  const busy =
    loadBefore > 0.5
      ? ` The machine was busy with something else too (load ${loadBefore.toFixed(0)}): times are stretched.`
      : '';
  return `${cpu}, ${cores} cores.${busy}`;
}

function drawTraces(traces: readonly Trace[], machine: string): string {
  return waterfall(
    'One product page, through each stack',
    `Times in ms, by OpenTelemetry spans, which themselves take some of it. ${machine}`,
    traces,
  );
}

if (import.meta.main) {
  const folder = mkdtempSync(join(tmpdir(), 'zerohop-trace-'));
  try {
    const machine = machineOf(folder);
    const traces = await traceStacks(folder, (what) => console.log(what));
    for (const { title } of traces) console.log(title);
    console.log(`Drawn in ${await writeResult('waterfall', 'svg', drawTraces(traces, machine))}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
