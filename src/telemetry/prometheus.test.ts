import { expect, test } from 'bun:test';
import { Metrics, renderPrometheus } from './index.ts';

test('the page: help, type, cumulative buckets, escaped labels, threads added up', async () => {
  const [a, b] = [new Metrics('a'), new Metrics('b')];
  for (const metrics of [a, b]) {
    metrics.counter('zerohop_things_total', 'Things', { name: 'a"b\nc\\' }).add(2);
    const spread = metrics.histogram('zerohop_wait_seconds', 'Waits', [0.1, 1]);
    spread.observe(0.05);
    spread.observe(0.5);
    spread.observe(5);
  }
  const lines = (await renderPrometheus([a.snapshot(), b.snapshot()])).split('\n');
  for (const line of [
    '# HELP zerohop_things_total Things',
    '# TYPE zerohop_things_total counter',
    'zerohop_things_total{name="a\\"b\\nc\\\\"} 4',
    '# TYPE zerohop_wait_seconds histogram',
    'zerohop_wait_seconds_bucket{le="0.1"} 2',
    'zerohop_wait_seconds_bucket{le="1"} 4',
    'zerohop_wait_seconds_bucket{le="+Inf"} 6',
    'zerohop_wait_seconds_sum 11.1',
    'zerohop_wait_seconds_count 6',
  ]) {
    expect(lines).toContain(line);
  }
});

test('every name follows the convention', async () => {
  const page = await renderPrometheus([new Metrics('t').snapshot()]);
  const names = [...page.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => ({ name: String(name), type }));
  expect(names.length).toBeGreaterThan(10);
  for (const { name, type } of names) {
    expect(name).toMatch(/^zerohop_[a-z_]+$/);
    if (type === 'counter') expect(name).toEndWith('_total');
  }
});
