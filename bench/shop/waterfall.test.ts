import { expect, test } from 'bun:test';
import type { ReadSpan } from '../../test/support/spans.ts';
import { barsOf, durationMs, kindOf, waterfall } from './waterfall.ts';

function span(
  spanId: string,
  parentSpanId: string,
  startMs: number,
  endMs: number,
  more: Partial<ReadSpan> = {},
): ReadSpan {
  const rest = {
    traceId: 't',
    kind: 1,
    attributes: {},
    isError: false,
    exceptions: [],
    resource: { 'service.name': 's' },
  };
  return { name: spanId, spanId, parentSpanId, startMs, endMs, ...rest, ...more };
}

const spans = [
  span('late', 'root', 6, 9),
  span('deep', 'early', 2, 3),
  span('root', 'the caller', 0, 10, { kind: 2, attributes: { 'url.path': '/a<b>' } }),
  span('early', 'root', 1, 5, { kind: 3 }),
  span('query', 'late', 7, 8, { kind: 3, attributes: { 'db.system.name': 'sqlite' } }),
];

test('parts come below what they are part of, in the order they began', () => {
  expect(barsOf(spans).map(({ span, depth }) => `${depth} ${span.name}`)).toEqual([
    '0 root',
    '1 early',
    '2 deep',
    '1 late',
    '2 query',
  ]);
  expect(durationMs(spans)).toBe(10);
  expect(spans.map(kindOf)).toEqual(['work', 'work', 'request', 'call', 'database']);
});

test('the drawing is well-formed, with a bar for each span, all on one scale', () => {
  const short = [span('other', '', 100, 105, { kind: 2 })];
  const svg = waterfall('Title & more', 'note', [
    { title: 'one', spans },
    { title: 'two', spans: short },
  ]);
  expect(svg).toContain('Title &amp; more');
  expect(svg).toContain('s: /a&lt;b&gt;'.replace('&gt;', '>'));
  const widths = [...svg.matchAll(/rect x="([\d.]+)" y="\d+" width="([\d.]+)" height="13"/g)].map(([, x, width]) => [
    Number(x),
    Number(width),
  ]);
  expect(widths).toHaveLength(6);
  const [root, , , , , other] = widths;
  expect(other?.[0]).toBe(root?.[0] ?? Number.NaN);
  expect((other?.[1] ?? 0) * 2).toBeCloseTo(root?.[1] ?? 0, 0);
});
