import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { percentile } from './analytics.ts';
import { AppMeters, analyticsOf, Metrics } from './index.ts';

test('the difference of two snapshots, requests by route and method', () => {
  const metrics = new Metrics('main');
  const items = metrics.http.route('/Item');
  const counter = metrics.counter('zerohop_things_total', 'Things', { kind: 'a' });
  const gauge = metrics.gauge('zerohop_level', 'A level');
  items.answered('GET', 200, 0.5);
  counter.add(5);
  const before = metrics.snapshot();
  for (const status of [200, 304, 404, 500]) items.answered('GET', status, 0.002);
  items.answered('PUT', 204, 0.02);
  counter.add(2);
  gauge.set(7);
  const rows = analyticsOf(before, metrics.snapshot());
  const of = (metric: string) => rows.filter((row) => row.metric === metric).map(({ values }) => values);
  expect(of('success')).toEqual([
    { path: '/Item', method: 'GET', count: 4, total: 2, ratio: 0.5 },
    { path: '/Item', method: 'PUT', count: 1, total: 1, ratio: 1 },
  ]);
  expect(of('duration')).toMatchObject([
    { path: '/Item', method: 'GET', count: 4, mean: expect.closeTo(2) },
    { path: '/Item', method: 'PUT', count: 1, mean: expect.closeTo(20) },
  ]);
  expect(of('things_total')).toEqual([{ kind: 'a', value: 2 }]);
  expect(of('level')).toEqual([{ value: 7 }]);
  const still = analyticsOf(metrics.snapshot(), metrics.snapshot()).map(({ metric }) => metric);
  expect(still).toContain('level');
  expect(still).not.toEqual(expect.arrayContaining(['things_total']));
  expect(still).not.toEqual(expect.arrayContaining(['duration']));
});

test('what an app records is told under its own name, and nothing but numbers and names are taken', () => {
  const metrics = new Metrics('serve-0');
  const meters = new AppMeters(metrics);
  const before = metrics.snapshot();
  for (const value of [2, 4]) meters.record(value, 'redirect-time', '/go', 'GET', undefined);
  for (const value of [true, true, true, false]) meters.record(value, 'redirected', undefined, undefined, undefined);
  const rows = analyticsOf(before, metrics.snapshot());
  const of = (metric: string) => rows.filter((row) => row.metric === metric).map(({ values }) => values);
  expect(of('redirect-time')).toMatchObject([{ path: '/go', method: 'GET', type: '', count: 2, mean: 3 }]);
  expect(of('redirected')).toMatchObject([{ count: 4, mean: 0.75 }]);
  for (const [value, metric] of [
    ['2', 'x'],
    [Number.NaN, 'x'],
    [1, ''],
    [1, undefined],
  ])
    expect(() => meters.record(value, metric, '', '', '')).toThrow(/takes a number, true or false, and the name/);
});

test('a thread that began anew counts from nothing, and never less', () => {
  const [old, fresh] = [new Metrics('serve-0'), new Metrics('serve-0')];
  for (const metrics of [old, fresh]) metrics.counter('zerohop_things_total', 'Things').add(metrics === old ? 10 : 3);
  old.http.route('/a').answered('GET', 200, 1);
  const rows = analyticsOf(old.snapshot(), fresh.snapshot());
  expect(rows.filter(({ values }) => Number(values.value) < 0)).toEqual([]);
});

test('a percentile is in the bucket that holds its value', () => {
  const bounds = [1, 2, 5, 10];
  const bucketOf = (value: number) => bounds.findIndex((bound) => value <= bound);
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0.01, max: 10, noNaN: true }), { minLength: 1 }),
      fc.double({ min: 0.01, max: 1, noNaN: true }),
      (values, share) => {
        const counts = [0, 0, 0, 0, 0];
        for (const value of values) counts[bucketOf(value)] = (counts[bucketOf(value)] ?? 0) + 1;
        const sorted = [...values].sort((a, b) => a - b);
        const wanted = sorted[Math.max(0, Math.ceil(values.length * share - 1e-9) - 1)] ?? 0;
        const found = percentile(bounds, { labels: {}, counts, sum: 0 }, share);
        expect(bucketOf(found)).toBe(bucketOf(wanted));
      },
    ),
  );
});
