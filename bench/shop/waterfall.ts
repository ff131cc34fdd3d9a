// Spans of requests → a drawing: what each stack spent its time on, all on one scale.

import type { ReadSpan } from '../../test/support/spans.ts';

export interface Trace {
  /** Heading: 'microservices: five processes and PostgreSQL'. */
  readonly title: string;
  readonly spans: readonly ReadSpan[];
}

interface Bar {
  readonly span: ReadSpan;
  readonly depth: number;
}

const width = 1100;
const margin = { left: 330, right: 90, top: 92, bottom: 34 };
const rowHeight = 19;
const headHeight = 44;

const kinds = {
  request: { colour: '#1f4d3d', about: 'a server answers a request' },
  call: { colour: '#ae3417', about: 'a call over the network, and the wait for it' },
  database: { colour: '#c8860d', about: 'a query or commit' },
  work: { colour: '#7c8f86', about: 'code of the application' },
} as const;

/** Spans without a parent among these are roots, drawn first to last. */
export function barsOf(spans: readonly ReadSpan[]): readonly Bar[] {
  const ids = new Set(spans.map(({ spanId }) => spanId));
  const draw = (span: ReadSpan, depth: number): Bar[] => [
    { span, depth },
    ...partsOf(({ parentSpanId }) => parentSpanId === span.spanId).flatMap((part) => draw(part, depth + 1)),
  ];
  const partsOf = (fits: (span: ReadSpan) => boolean) =>
    spans.filter(fits).sort((a, b) => a.startMs - b.startMs || b.endMs - a.endMs);
  return partsOf(({ parentSpanId }) => !ids.has(parentSpanId)).flatMap((span) => draw(span, 0));
}

/** From the first span to the end of the last, in ms. */
export function durationMs(spans: readonly ReadSpan[]): number {
  return Math.max(...spans.map(({ endMs }) => endMs)) - Math.min(...spans.map(({ startMs }) => startMs));
}

export function kindOf({ kind, attributes }: ReadSpan): keyof typeof kinds {
  if (kind === otlpKind.server) return 'request';
  if (attributes['db.system.name'] !== undefined || attributes['db.system'] !== undefined) return 'database';
  return kind === otlpKind.client ? 'call' : 'work';
}

const otlpKind = { server: 2, client: 3 } as const;

export function waterfall(title: string, note: string, traces: readonly Trace[]): string {
  const mostMs = Math.max(...traces.map(({ spans }) => durationMs(spans)));
  const step = niceStep(mostMs / 8);
  const endMs = step * Math.ceil(mostMs / step);
  const plotWidth = width - margin.left - margin.right;
  const x = (ms: number) => margin.left + (ms / endMs) * plotWidth;
  let y = margin.top;
  const panels = traces.map((trace) => {
    const panel = drawPanel(trace, y, x);
    y += panel.height;
    return panel.svg;
  });
  const height = y + margin.bottom;
  const ticks = Array.from({ length: Math.round(endMs / step) + 1 }, (_, at) => at * step).map(
    (ms) =>
      `<line x1="${fixed(x(ms))}" x2="${fixed(x(ms))}" y1="${margin.top}" y2="${y}" stroke="#e6e3da"/>` +
      `<text x="${fixed(x(ms))}" y="${y + 20}" text-anchor="middle" fill="#59625c">${Number(ms.toFixed(2))} ms</text>`,
  );
  const legend = Object.values(kinds).map(
    ({ colour, about }, at) =>
      `<rect x="${24 + at * 260}" y="62" width="12" height="12" rx="2" fill="${colour}"/><text x="${42 + at * 260}" y="72" fill="#59625c">${about}</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="Helvetica, Arial, sans-serif" font-size="11.5">
<rect width="${width}" height="${height}" fill="#fff"/>
<text x="24" y="28" font-size="17" font-weight="bold" fill="#1c2420">${escaped(title)}</text>
<text x="24" y="47" fill="#59625c">${escaped(note)}</text>
${[...legend, ...ticks, ...panels].join('\n')}
</svg>
`;
}

function drawPanel(
  { title, spans }: Trace,
  top: number,
  x: (ms: number) => number,
): { readonly svg: string; readonly height: number } {
  const begunMs = Math.min(...spans.map(({ startMs }) => startMs));
  const bars = barsOf(spans);
  const rows = bars.map(({ span, depth }, at) => {
    const y = top + headHeight + at * rowHeight;
    const left = x(span.startMs - begunMs);
    const barWidth = Math.max(1.5, x(span.endMs - begunMs) - left);
    return (
      `<text x="${24 + depth * 12}" y="${y + 12}" fill="#1c2420">${escaped(shortened(labelOf(span), 46 - depth * 2))}</text>` +
      `<rect x="${fixed(left)}" y="${y + 2}" width="${fixed(barWidth)}" height="${rowHeight - 6}" rx="2" fill="${kinds[kindOf(span)].colour}"/>` +
      `<text x="${fixed(left + barWidth + 5)}" y="${y + 12}" fill="#59625c">${(span.endMs - span.startMs).toFixed(2)}</text>`
    );
  });
  const head =
    `<line x1="24" x2="${width - 24}" y1="${top + 6}" y2="${top + 6}" stroke="#bdb9ac"/>` +
    `<text x="24" y="${top + 30}" font-size="14" font-weight="bold" fill="#1f4d3d">${escaped(title)}</text>`;
  return { svg: [head, ...rows].join('\n'), height: headHeight + bars.length * rowHeight + 12 };
}

/** Whose span it is and what it says. */
function labelOf(span: ReadSpan): string {
  const { name, attributes, resource } = span;
  const service = String(resource['service.name'] ?? '');
  const path = attributes['url.path'] ?? attributes['http.target'];
  if (kindOf(span) === 'request' && path !== undefined) return `${service}: ${String(path).replace(/\?.*/s, '')}`;
  if (kindOf(span) === 'call') return `→ ${String(attributes['url.path'] ?? attributes['url.full'] ?? name)}`;
  return name;
}

function shortened(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}

function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return ([1, 2, 5].find((factor) => factor * power >= least) ?? 10) * power;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}

function fixed(value: number): string {
  return value.toFixed(1);
}
