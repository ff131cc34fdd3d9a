// What a node says it spends its time on: through its HTTP door, read back from the file it writes and by a receiver of OTLP.

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TestCluster } from '../cluster/cluster.ts';
import { type PageOrigin, startOrigin } from '../support/page-origin.ts';
import { startPagesNode } from '../support/pages-node.ts';
import {
  callerContext,
  type OtlpRequest,
  type ReadSpan,
  serverKind,
  spansIn,
  spansOfFile,
  traceIn,
  treeOf,
} from '../support/spans.ts';
import { startNode, type TestNode } from '../support/start-node.ts';
import { until } from '../support/until.ts';

setDefaultTimeout(60_000);

const folder = mkdtempSync(join(tmpdir(), 'zerohop-tracing-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
const newFile = () => join(folder, `${++files}.ndjson`);

/** An app with a handler of each kind; `origin` is what its tables with a source are filled from. */
function appFor(origin: string): string {
  const app = mkdtempSync(join(folder, 'app-'));
  writeFileSync(
    join(app, 'schema.graphql'),
    `type Thing @table @export { id: ID @primaryKey  kind: String @indexed }
     type Far @table(expiration: 3600) @export { id: ID @primaryKey  name: String }`,
  );
  writeFileSync(
    join(app, 'resources.js'),
    `import { Resource, tables, trace, traceHeaders } from 'zerohop';
     tables.Far.sourcedFrom({
       get: async (id) => (await fetch('${origin}/' + id, { headers: traceHeaders() })).json(),
     });
     export class Sum extends Resource {
       static async get() {
         const things = await tables.Thing.search({ conditions: [{ attribute: 'kind', value: 'a' }], limit: 10 }).toArray();
         return trace('add', (span) => {
           span.set({ things: things.length });
           return { sum: things.length };
         });
       }
     }
     export class Fails extends Resource {
       static get() {
         return trace('break', async () => {
           throw new Error('out of order');
         });
       }
     }`,
  );
  return app;
}

const json = { 'content-type': 'application/json' };

describe.each([0, 2])('with %d serve threads, into a file', (threads) => {
  const file = newFile();
  let origin: PageOrigin;
  let node: TestNode;
  beforeAll(async () => {
    origin = startOrigin((_request, path) => Response.json({ name: `far ${path.slice(1)}` }));
    const settings = { TRACING_FILE: file, TRACING_SERVICE: 'things', AUTHORIZE_LOCAL: 'true' };
    node = await startNode({ app: appFor(origin.url), threads, settings });
    await node_put('t-1');
  }, 60_000);
  afterAll(async () => {
    await node?.[Symbol.asyncDispose]();
    await origin?.[Symbol.asyncDispose]();
  });

  async function node_put(id: string): Promise<void> {
    const body = JSON.stringify({ id, kind: 'a' });
    expect((await fetch(`${node.url}/Thing/${id}`, { method: 'PUT', headers: json, body })).status).toBe(204);
  }

  /** Asks as part of a trace; gives its spans. */
  async function traced(method: string, path: string, body?: unknown): Promise<{ caller: string; spans: ReadSpan[] }> {
    const { traceparent, traceId, spanId } = callerContext();
    const response = await fetch(node.url + path, {
      method,
      headers: { ...json, traceparent, tracestate: 'shop=1' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    await response.text();
    return { caller: spanId, spans: await traceIn(file, traceId) };
  }

  test('a handler: request → handler → query and what the app says', async () => {
    const { caller, spans } = await traced('GET', '/Sum/');
    expect(treeOf(spans, caller)).toEqual({ 'GET /Sum': { 'get Sum': { 'query Thing': {}, add: {} } } });
    const request = spans.find(({ kind }) => kind === serverKind);
    expect(request?.attributes).toEqual({
      'http.request.method': 'GET',
      'http.response.status_code': 200,
      'http.route': '/Sum',
      'url.path': '/Sum/',
      'url.scheme': 'http',
    });
    expect(request?.resource).toMatchObject({ 'service.name': 'things', 'service.version': expect.any(String) });
    expect(spans.find(({ name }) => name === 'query Thing')?.attributes).toEqual({
      'db.system.name': 'sqlite',
      'db.namespace': 'data',
      'db.collection.name': 'Thing',
      'db.operation.name': 'query',
      'db.response.returned_rows': 1,
    });
    expect(spans.find(({ name }) => name === 'add')?.attributes).toEqual({ things: 1 });
    expect(spans.some(({ isError }) => isError)).toBe(false);
  });

  test.each([
    ['PUT', '/Thing/t-2', { id: 't-2', kind: 'b' }],
    ['PATCH', '/Thing/t-1', { kind: 'a' }],
    ['DELETE', '/Thing/t-9', undefined],
  ] as const)('%s %s: the commit is a part, with what the writer did', async (method, path, body) => {
    if (method === 'DELETE') await node_put('t-9');
    const { caller, spans } = await traced(method, path, body);
    const { [`${method} /Thing`]: request } = treeOf(spans, caller);
    const commit = { 'commit data': { 'wait for the writer': {}, write: {}, sync: {} } };
    expect(request).toEqual({ [`${method.toLowerCase()} Thing`]: commit });
    const [whole, ...parts] = ['commit data', 'wait for the writer', 'write', 'sync'].map((name) =>
      spans.find((span) => span.name === name),
    );
    let before = whole?.startMs ?? Number.NaN;
    for (const part of parts) {
      expect(part?.startMs).toBeGreaterThanOrEqual(before);
      expect(part?.endMs).toBeGreaterThanOrEqual(part?.startMs ?? Number.NaN);
      before = part?.endMs ?? Number.NaN;
    }
    expect(whole?.endMs).toBeGreaterThanOrEqual(before);
  });

  test('a new record by the shortest path: the commit alone', async () => {
    const { caller, spans } = await traced('POST', '/Thing/', { id: 't-3', kind: 'c' });
    const { 'POST /Thing': request } = treeOf(spans, caller);
    expect(request).toEqual({ 'commit data': { 'wait for the writer': {}, write: {}, sync: {} } });
  });

  test('a record from its source: the origin is told the trace and the span it is part of', async () => {
    const { caller, spans } = await traced('GET', '/Far/f-1');
    const source = spans.find(({ name }) => name === 'get Far from its source');
    expect(treeOf(spans, caller)).toMatchObject({
      'GET /Far': { 'get Far': { 'get Far from its source': {}, 'commit data': { write: {} } } },
    });
    const asked = origin.seen.find(({ path }) => path === '/f-1');
    expect(asked?.headers.get('traceparent')).toBe(`00-${source?.traceId}-${source?.spanId}-01`);
    expect(asked?.headers.get('tracestate')).toBe('shop=1');
  });

  test('what fails has an error, all the way up', async () => {
    const { caller, spans } = await traced('GET', '/Fails/');
    expect(treeOf(spans, caller)).toEqual({ 'GET /Fails': { 'get Fails': { break: {} } } });
    expect(spans.every(({ isError }) => isError)).toBe(true);
    const deepest = spans.find(({ name }) => name === 'break');
    expect([deepest?.attributes['error.type'], deepest?.exceptions]).toEqual(['Error', ['out of order']]);
  });

  test('what is refused is no error', async () => {
    const { spans } = await traced('GET', '/Nothing/');
    expect(spans).toHaveLength(1);
    const [{ name, attributes, isError } = spans[0] as never] = spans;
    expect([name, isError, attributes['http.response.status_code'], attributes['error.type']]).toEqual([
      'GET',
      false,
      404,
      'NOT_FOUND',
    ]);
  });

  test('a caller that does not sample gets none, and hands that on', async () => {
    const { traceparent, traceId } = callerContext(false);
    expect(await (await fetch(`${node.url}/Far/f-2`, { headers: { traceparent } })).json()).toMatchObject({
      name: 'far f-2',
    });
    // Spans are written in the order they ended.
    await traced('GET', '/Sum/');
    expect(spansOfFile(file).filter((span) => span.traceId === traceId)).toEqual([]);
    const handed = origin.seen.find(({ path }) => path === '/f-2')?.headers.get('traceparent');
    expect(handed).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-00$`));
  });

  test.each(['', 'nonsense', '00-00000000000000000000000000000000-0000000000000000-01'])(
    'traceparent %p begins a trace of its own',
    async (traceparent) => {
      const before = new Set(spansOfFile(file).map(({ traceId }) => traceId));
      await (await fetch(`${node.url}/Sum/?${files}`, { headers: { traceparent } })).text();
      const fresh = () =>
        spansOfFile(file).filter(
          ({ traceId, kind, parentSpanId }) => !before.has(traceId) && kind === serverKind && parentSpanId === '',
        );
      await until('the request is in the file', () => fresh().length > 0);
    },
  );
});

describe('pages', () => {
  test('a miss tells the origin its place in the trace, and nothing else of it; a hit asks nobody', async () => {
    const file = newFile();
    await using origin = startOrigin(() => new Response('page', { headers: { 'cache-control': 'max-age=60' } }));
    await using node = await startPagesNode({ origin: origin.url }, { threads: 1, settings: { TRACING_FILE: file } });
    const miss = callerContext();
    const { traceparent } = miss;
    await (await node.get('/a?b=1', { traceparent, tracestate: 'secret=1' })).text();
    const spans = await traceIn(file, miss.traceId);
    const asked = spans.find(({ attributes }) => attributes['server.address'] !== undefined);
    expect(asked).toMatchObject({
      name: 'GET',
      attributes: {
        'url.full': `${origin.url}/a`,
        'server.port': expect.anything(),
        'http.response.status_code': expect.anything(),
      },
    });
    const [seen] = origin.seen;
    expect(seen?.headers.get('traceparent')).toBe(`00-${miss.traceId}-${asked?.spanId}-01`);
    expect(seen?.headers.get('tracestate')).toBeNull();
    const hit = callerContext();
    await (await node.get('/a?b=1', { traceparent: hit.traceparent })).text();
    expect((await traceIn(file, hit.traceId)).map(({ kind }) => kind)).toEqual([serverKind]);
    expect(origin.seen).toHaveLength(1);
  });

  test('without tracing, the origin sees no trace', async () => {
    await using origin = startOrigin(() => new Response('page', { headers: { 'cache-control': 'max-age=60' } }));
    await using node = await startPagesNode({ origin: origin.url }, { threads: 1 });
    await (await node.get('/a', { traceparent: callerContext().traceparent })).text();
    expect(origin.seen.map(({ headers }) => headers.get('traceparent'))).toEqual([null]);
  });
});

test('part of the traces: none that begin here, all that a caller samples', async () => {
  const file = newFile();
  const settings = { TRACING_FILE: file, TRACING_SAMPLE: '0', AUTHORIZE_LOCAL: 'true' };
  await using node = await startNode({ app: appFor('http://127.0.0.1:1'), threads: 1, settings });
  for (let at = 0; at < 20; at++) await (await fetch(`${node.url}/Sum/`)).text();
  const { traceparent, traceId } = callerContext();
  await (await fetch(`${node.url}/Sum/`, { headers: { traceparent } })).text();
  expect(await node.stop()).toBe(0);
  expect(new Set(spansOfFile(file).map((span) => span.traceId))).toEqual(new Set([traceId]));
});

test('without tracing, the app’s own spans are just calls', async () => {
  await using node = await startNode({
    app: appFor('http://127.0.0.1:1'),
    threads: 1,
    settings: { AUTHORIZE_LOCAL: 'true' },
  });
  expect(await (await fetch(`${node.url}/Sum/`)).json()).toEqual({ sum: 0 });
});

test('a collector gets them; while it is away the log says so once, and requests are answered', async () => {
  const file = newFile();
  const received: OtlpRequest[] = [];
  const paths = new Set<string>();
  const serve = (port: number) =>
    Bun.serve({
      hostname: '127.0.0.1',
      port,
      async fetch(request) {
        paths.add(`${request.method} ${new URL(request.url).pathname} ${request.headers.get('content-type')}`);
        received.push((await request.json()) as OtlpRequest);
        return Response.json({});
      },
    });
  const first = serve(0);
  const port = first.port ?? 0;
  const endpoint = `http://127.0.0.1:${port}`;
  const settings = { TRACING_ENDPOINT: endpoint, TRACING_FILE: file, AUTHORIZE_LOCAL: 'true' };
  await using node = await startNode({ app: appFor('http://127.0.0.1:1'), threads: 1, settings });
  const ask = async () => {
    const { traceparent, traceId } = callerContext();
    expect((await fetch(`${node.url}/Sum/`, { headers: { traceparent } })).status).toBe(200);
    return traceId;
  };
  const isReceived = (traceId: string) => received.flatMap(spansIn).some((span) => span.traceId === traceId);

  const before = await ask();
  await until('the collector has the trace', () => isReceived(before));
  expect([...paths]).toEqual(['POST /v1/traces application/json']);
  await first.stop(true);

  const told = () => node.output.log.filter(({ msg }) => String(msg).startsWith("Spans can't be sent"));
  await ask();
  await until('the log says so', () => told().length === 1, 40_000);
  const away = await ask();
  await traceIn(file, away);
  expect(told()).toHaveLength(1);

  const again = serve(port);
  try {
    await until('spans come again', async () => isReceived(await ask()) || received.length > 1, 40_000);
    await until('the log says so', () => node.output.log.some(({ msg }) => String(msg).endsWith('again.')));
    expect(told()).toHaveLength(1);
  } finally {
    await again.stop(true);
  }
});

test('what comes from another node is a trace of its own there', async () => {
  const filesOf = new Map(['a', 'b'].map((name) => [name, newFile()]));
  await using cluster = await TestCluster.start(
    { app: 'cluster', threads: 1, settings: (name) => ({ TRACING_FILE: filesOf.get(name) ?? '' }) },
    ['a', 'b'],
  );
  await cluster.member('a').write('PUT', '/Note/n-1', { id: 'n-1', text: 'x' });
  const replicated = () =>
    spansOfFile(filesOf.get('b') ?? '').filter(
      ({ name, resource }) => name === 'replicate data' && resource['thread.name'] === 'store',
    );
  await until('the other node has merged it', () => replicated().length > 0);
  expect(replicated()[0]).toMatchObject({
    parentSpanId: '',
    attributes: { 'zerohop.replication.merged': true, 'zerohop.replication.kind': expect.any(String) },
  });
});

test('no folder for the file: the log says which file, and the node serves', async () => {
  const file = join(folder, 'none', 'spans.ndjson');
  const settings = { TRACING_FILE: file, AUTHORIZE_LOCAL: 'true' };
  await using node = await startNode({ app: appFor('http://127.0.0.1:1'), threads: 1, settings });
  expect((await fetch(`${node.url}/Sum/`)).status).toBe(200);
  await until('the log says so', () => node.output.log.some(({ msg }) => String(msg).includes(file)));
  expect(existsSync(file)).toBe(false);
});
