import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { HistogramCell } from './cells.ts';
import { maxRoutes } from './http-metrics.ts';
import {
  Metrics,
  type MetricsSnapshot,
  measureProcess,
  measureThread,
  mergeSnapshots,
  withoutGauges,
} from './index.ts';
import { maxSeries } from './meter-registry.ts';

const family = (snapshot: MetricsSnapshot, name: string) => snapshot.find((one) => one.name === name);

/** Value by labels, e.g. `{ 'route=/a': 2 }`; for histograms the counts. */
function values(snapshot: MetricsSnapshot, name: string): Record<string, unknown> {
  return Object.fromEntries(
    (family(snapshot, name)?.series ?? []).map((series) => [
      Object.entries(series.labels)
        .map((pair) => pair.join('='))
        .join(' '),
      'value' in series ? series.value : series.counts,
    ]),
  );
}

test('counters add, gauges are set, and the same name and labels are the same meter', () => {
  const metrics = new Metrics('t');
  metrics.counter('c_total', 'help', { a: '1', b: '2' }).add(2);
  metrics.counter('c_total', 'help', { b: '2', a: '1' }).add(3);
  metrics.counter('c_total', 'help', { a: '2', b: '2' }).add(1);
  const gauge = metrics.gauge('g', 'help');
  gauge.set(5);
  gauge.add(-2);
  const snapshot = metrics.snapshot();
  expect(values(snapshot, 'c_total')).toEqual({ 'a=1 b=2': 5, 'a=2 b=2': 1 });
  expect(values(snapshot, 'g')).toEqual({ '': 3 });
});

test.each([
  [0, 0],
  [1, 0],
  [1.01, 1],
  [10, 1],
  [10.01, 2],
  [Number.POSITIVE_INFINITY, 2],
])('a bound belongs to the bucket below it: %p → bucket %p', (value, bucket) => {
  const cell = new HistogramCell(new Float64Array([1, 10]));
  cell.observe(value);
  expect(cell.series({}).counts.indexOf(1)).toBe(bucket);
});

test('a histogram counts every value once', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ noNaN: true, noDefaultInfinity: true })), (list) => {
      const cell = new HistogramCell(new Float64Array([-5, 0, 1e10]));
      for (const value of list) cell.observe(value);
      expect(cell.total).toBe(list.length);
    }),
  );
});

test('a name is measured in one way', () => {
  const metrics = new Metrics('t');
  metrics.counter('x_total', 'help');
  expect(() => metrics.gauge('x_total', 'help')).toThrow('Bug: x_total is a counter, not a gauge');
});

test('series beyond the limit are counted as other', () => {
  const metrics = new Metrics('t');
  for (let id = 0; id < maxSeries + 10; id++) metrics.counter('c_total', 'help', { id: String(id) }).add(1);
  const counted = values(metrics.snapshot(), 'c_total');
  expect(Object.keys(counted)).toHaveLength(maxSeries + 1);
  expect(counted['id=other']).toBe(10);
});

test('samples are read at each snapshot, and the last reader counts', () => {
  const metrics = new Metrics('t');
  let value = 1;
  metrics.sample('gauge', 's', 'help', () => -1);
  metrics.sample('gauge', 's', 'help', () => value);
  expect(values(metrics.snapshot(), 's')).toEqual({ '': 1 });
  value = 2;
  expect(values(metrics.snapshot(), 's')).toEqual({ '': 2 });
});

test('requests are counted by route, method and class of status', () => {
  const { http, ...rest } = withHttp();
  const route = http.route('/Product/');
  expect(http.route('/Product/')).toBe(route);
  route.answered('GET', 200, 0.0002);
  route.answered('GET', 204, 0.02);
  route.answered('BREW', 418, 20);
  http.begun();
  http.begun();
  http.ended();
  http.sent(100);
  http.received(7);
  const snapshot = rest.metrics.snapshot();
  expect(values(snapshot, 'zerohop_http_requests_total')).toEqual({
    'route=/Product/ method=GET status=2xx': 2,
    'route=/Product/ method=other status=4xx': 1,
  });
  const latency = family(snapshot, 'zerohop_http_request_seconds');
  expect(latency?.series[0]).toMatchObject({ sum: 0.0202 });
  expect(values(snapshot, 'zerohop_http_requests_in_flight')).toEqual({ '': 1 });
  expect(values(snapshot, 'zerohop_http_sent_bytes_total')).toEqual({ '': 100 });
  expect(values(snapshot, 'zerohop_http_received_bytes_total')).toEqual({ '': 7 });
});

function withHttp() {
  const metrics = new Metrics('t');
  return { metrics, http: metrics.http };
}

test('routes beyond the limit are counted as other', () => {
  const { metrics, http } = withHttp();
  for (let id = 0; id < maxRoutes + 5; id++) http.route(`/${id}`).answered('GET', 200, 1);
  const counted = values(metrics.snapshot(), 'zerohop_http_requests_total');
  expect(Object.keys(counted)).toHaveLength(maxRoutes + 1);
  expect(counted['route=other method=GET status=2xx']).toBe(5);
});

test.each([0, 99, 600, 999, Number.NaN])('a status outside the table is counted all the same: %p', (status) => {
  const { metrics, http } = withHttp();
  http.route('/').answered('GET', status, 1);
  expect(Object.values(values(metrics.snapshot(), 'zerohop_http_requests_total'))).toEqual([1]);
});

test('refusals are counted by code', () => {
  const metrics = new Metrics('t');
  metrics.store.refused('CONFLICT');
  metrics.store.refused('CONFLICT');
  metrics.store.refused('OVERLOADED');
  expect(values(metrics.snapshot(), 'zerohop_transactions_refused_total')).toEqual({
    'code=CONFLICT': 2,
    'code=OVERLOADED': 1,
  });
});

test('a snapshot is plain data, and stays as it was', () => {
  const metrics = new Metrics('t');
  metrics.http.route('/').answered('GET', 200, 1);
  const snapshot = metrics.snapshot();
  const copy = structuredClone(snapshot);
  metrics.http.route('/').answered('GET', 200, 1);
  metrics.store.commits.add(1);
  expect(snapshot).toEqual(copy);
});

test('merging adds what has the same name and labels', () => {
  const [a, b] = [new Metrics('a'), new Metrics('b')];
  for (const metrics of [a, b]) {
    metrics.http.route('/').answered('GET', 200, 0.001);
    metrics.store.commits.add(3);
  }
  b.http.route('/only').answered('GET', 500, 0.001);
  const merged = mergeSnapshots([a.snapshot(), b.snapshot()]);
  expect(values(merged, 'zerohop_commits_total')).toEqual({ '': 6 });
  expect(values(merged, 'zerohop_http_requests_total')).toEqual({
    'route=/ method=GET status=2xx': 2,
    'route=/only method=GET status=5xx': 1,
  });
  expect(family(merged, 'zerohop_http_request_seconds')?.series[0]).toMatchObject({ sum: 0.002 });
});

test('merging is associative and commutative but for the order', () => {
  const snapshot = fc.array(fc.tuple(fc.constantFrom('a', 'b'), fc.constantFrom('x', 'y'), fc.nat())).map((list) => {
    const metrics = new Metrics('t');
    for (const [name, label, amount] of list) {
      metrics.counter(`${name}_total`, 'help', { label }).add(amount);
      metrics.histogram(`${name}_seconds`, 'help', [10, 100], { label }).observe(amount);
    }
    return metrics.snapshot();
  });
  const canonical = (merged: MetricsSnapshot) =>
    Object.fromEntries(merged.map((one) => [one.name, [...one.series].map((series) => JSON.stringify(series)).sort()]));
  fc.assert(
    fc.property(snapshot, snapshot, snapshot, (a, b, c) => {
      const flat = canonical(mergeSnapshots([a, b, c]));
      expect(canonical(mergeSnapshots([a, mergeSnapshots([b, c])]))).toEqual(flat);
      expect(canonical(mergeSnapshots([c, a, b]))).toEqual(flat);
    }),
  );
});

test('a thread that ended leaves its counts, not its gauges', () => {
  const metrics = new Metrics('t');
  metrics.store.commits.add(1);
  metrics.store.queued.set(9);
  const left = withoutGauges(metrics.snapshot());
  expect(values(left, 'zerohop_commits_total')).toEqual({ '': 1 });
  expect(family(left, 'zerohop_write_queue_transactions')).toBeUndefined();
});

test('the process and its threads are measured', () => {
  const metrics = new Metrics('serve-1');
  measureProcess(metrics, '1.2.3');
  const stop = measureThread(metrics);
  const snapshot = metrics.snapshot();
  stop();
  expect(values(snapshot, 'zerohop_info')).toEqual({ 'version=1.2.3': 1 });
  expect(values(snapshot, 'zerohop_resident_memory_bytes')['']).toBeGreaterThan(1e6);
  expect(values(snapshot, 'zerohop_thread_cpu_seconds_total')['thread=serve-1']).toBeGreaterThan(0);
  expect(values(snapshot, 'zerohop_event_loop_delay_seconds')['thread=serve-1']).toBeNumber();
});
