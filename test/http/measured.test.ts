// Requests are measured by route, also those that are answered before anything else is made of them.

import { afterAll, beforeAll, expect, test } from 'bun:test';
import { fetchMetrics, sumOf } from '../support/metrics-page.ts';
import { startNode, type TestNode } from '../support/start-node.ts';

let node: TestNode;
beforeAll(async () => {
  node = await startNode({ app: 'faults', threads: 1 });
  const put = { method: 'PUT', body: '{"value":1}', headers: { 'content-type': 'application/json' } };
  await fetch(`${node.url}/Tally/1`, put);
}, 30_000);
afterAll(() => node[Symbol.asyncDispose]());

test.each([
  ['/Tally/1', 200, 'Tally', '2xx'],
  ['/Tally/2', 404, 'Tally', '4xx'],
  ['/Tally/one', 400, 'Tally', '4xx'],
  ['/Tally/%zz', 400, 'unrouted', '4xx'],
  [`/Tally/${'1'.repeat(9_000)}`, 414, 'unrouted', '4xx'],
])('%.20s → %i, counted once, for %s', async (path, expected, route, status) => {
  const count = async () =>
    sumOf(await fetchMetrics(node.operationsUrl), 'zerohop_http_requests_total', { route, method: 'GET', status });
  const before = await count();
  const response = await fetch(node.url + path);
  expect(response.status).toBe(expected);
  await response.text();
  expect(await count()).toBe(before + 1);
});
