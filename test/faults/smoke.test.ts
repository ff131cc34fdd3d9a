// The same small suite on a node with everything in one thread, with one serve thread, and with two.

import { describe, expect, test } from 'bun:test';
import { fetchMetrics, sumOf } from '../support/metrics-page.ts';
import { startNode, type TestNode } from '../support/start-node.ts';

describe.each([0, 1, 2])('threads: %i', (threads) => {
  test('records are created, read, replaced, changed and deleted', async () => {
    await using node = await startNode({ app: 'faults', threads });
    const send = sender(node);
    const created = await send('POST', '/Item/', { name: 'Kettle', count: 3 });
    expect(created.status).toBe(201);
    const place = new URL(created.headers.get('location') ?? '', node.url).pathname;
    expect(await (await send('GET', place)).json()).toMatchObject({ name: 'Kettle', count: 3 });
    expect((await send('PUT', place, { name: 'Pot', count: 4 })).status).toBe(204);
    expect((await send('PATCH', place, { count: 5 })).status).toBe(204);
    const read = await send('GET', place);
    expect(await read.json()).toMatchObject({ name: 'Pot', count: 5 });
    const etag = read.headers.get('etag') ?? '';
    expect((await fetch(`${node.url}${place}`, { headers: { 'if-none-match': etag } })).status).toBe(304);
    expect((await send('DELETE', place)).status).toBe(204);
    expect((await send('GET', place)).status).toBe(404);
    expect((await send('POST', '/Tally/', { value: 1 })).headers.get('location')).toEndWith('/Tally/1');
    expect((await send('POST', '/Tally/', { value: 1 })).headers.get('location')).toEndWith('/Tally/2');
    expect(await node.stop()).toBe(0);
  });

  test('queries see every write that was answered', async () => {
    await using node = await startNode({ app: 'faults', threads });
    const send = sender(node);
    const wrote = await Promise.all(
      Array.from({ length: 60 }, (_, count) =>
        send('PUT', `/Item/i-${count}`, { name: `Item ${count}`, count, tags: [count % 2 === 0 ? 'even' : 'odd'] }),
      ),
    );
    expect(wrote.map(({ status }) => status)).toEqual(wrote.map(() => 204));
    const search = async (query: string) => (await send('GET', `/Item/?${query}`)).json();
    expect(await search('count=ge=10&count=lt=13&sort(-count)&select(count)')).toEqual([12, 11, 10]);
    expect(await search('tags=odd&select(id)')).toHaveLength(30);
    expect(await search('count=7&select(id,name)')).toEqual([{ id: 'i-7', name: 'Item 7' }]);
    for (let turn = 0; turn < 20; turn++) {
      await send('PATCH', '/Item/i-7', { count: 1000 + turn });
      expect(await search(`count=${1000 + turn}&select(id)`)).toEqual(['i-7']);
    }
  });

  test('a transaction happens in both tables or in neither', async () => {
    await using node = await startNode({ app: 'faults', threads });
    const send = sender(node);
    expect((await send('POST', '/Pair/', { id: 'good', writer: 1 })).status).toBeLessThan(300);
    const refused = await send('POST', '/Refused/', { id: 'bad', writer: 1 });
    expect(refused.status).toBe(409);
    expect(await refused.json()).toMatchObject({ detail: 'Refused after writing.' });
    const statuses = await Promise.all(
      ['Left/good', 'Right/good', 'Left/bad', 'Right/bad'].map(async (path) => (await send('GET', `/${path}`)).status),
    );
    expect(statuses).toEqual([200, 200, 404, 404]);
  });

  test('an app that fails is a 500 that tells a stranger nothing and the log everything', async () => {
    await using node = await startNode({ app: 'faults', threads });
    const answer = await fetch(`${node.url}/Fails/`);
    expect(answer.status).toBe(500);
    const problem = (await answer.json()) as { readonly requestId: string };
    expect(problem).toMatchObject({ code: expect.any(String), requestId: expect.any(String) });
    const line = await node.output.match(/.*an app that fails.*/);
    expect(JSON.parse(line[0])).toMatchObject({ level: 'error', requestId: problem.requestId });
    expect(line[0]).toContain('resources.ts');
  });

  test('/health, /ready and /metrics', async () => {
    await using node = await startNode({ app: 'faults', threads });
    for (const url of [node.url, node.operationsUrl]) {
      expect((await fetch(`${url}/health`)).status).toBe(200);
      expect((await fetch(`${url}/ready`)).status).toBe(200);
    }
    const before = await fetchMetrics(node.operationsUrl);
    const send = sender(node);
    const writes = 25;
    for (let id = 1; id <= writes; id++) await send('PUT', `/Tally/${id}`, { value: id });
    for (let id = 1; id <= writes; id++) await send('GET', `/Tally/${id}`);
    await send('GET', '/Nowhere');
    const after = await fetchMetrics(node.operationsUrl);
    const moved = (name: string, labels = {}) => sumOf(after, name, labels) - sumOf(before, name, labels);
    expect(moved('zerohop_commits_total')).toBe(writes);
    expect(moved('zerohop_changes_total')).toBe(writes);
    expect(moved('zerohop_sync_seconds_count')).toBeGreaterThan(0);
    expect(moved('zerohop_http_requests_total', { method: 'PUT' })).toBe(writes);
    expect(moved('zerohop_http_requests_total', { method: 'GET' })).toBe(writes + 1);
    expect(moved('zerohop_http_received_bytes_total')).toBeGreaterThan(0);
    expect(moved('zerohop_http_sent_bytes_total')).toBeGreaterThan(0);
    expect(sumOf(after, 'zerohop_resident_memory_bytes')).toBeGreaterThan(10_000_000);
    expect(sumOf(after, 'zerohop_write_queue_transactions')).toBe(0);
    expect(sumOf(after, 'zerohop_http_requests_in_flight')).toBe(0);
  });
});

function sender(node: TestNode) {
  return (method: string, path: string, body?: object): Promise<Response> =>
    fetch(`${node.url}${path}`, {
      method,
      ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
}
