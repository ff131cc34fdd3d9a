// What the serve threads of a node know together of a source: who asks it, and how that went.

import { expect, setDefaultTimeout, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startOrigin } from '../support/page-origin.ts';
import { startNode } from '../support/start-node.ts';
import { until } from '../support/until.ts';

// A node is started for each, on machines that may have much else to do.
setDefaultTimeout(30_000);

/** An app with one table, whose source is at `url`. */
function appWith(url: string, options: object): string {
  const app = mkdtempSync(join(tmpdir(), 'zerohop-sourced-'));
  writeFileSync(
    join(app, 'config.yaml'),
    'rest: true\ngraphqlSchema: { files: "*.graphql" }\njsResource: { files: resources.ts }\n',
  );
  writeFileSync(
    join(app, 'schema.graphql'),
    'type Product @table(expiration: 3600) @export { id: ID @primaryKey  name: String }',
  );
  writeFileSync(
    join(app, 'resources.ts'),
    `import { tables } from 'zerohop';
tables.Product.sourcedFrom({ get: (id) => fetch('${url}/' + id) }, ${JSON.stringify(options)});`,
  );
  return app;
}

async function withNode(
  options: object,
  run: (node: { readonly url: string }, origin: ReturnType<typeof startOrigin>) => Promise<void>,
): Promise<void> {
  await using origin = startOrigin(() => new Response('?', { status: 500 }));
  const app = appWith(origin.url, options);
  try {
    await using node = await startNode({ app, threads: 2 });
    await run(node, origin);
  } finally {
    rmSync(app, { recursive: true, force: true });
  }
}

/** Asks as so many clients, on connections of their own, which the kernel spreads over the threads. */
const crowd = (url: string, length = 300) =>
  Array.from({ length }, () => fetch(url, { headers: { connection: 'close' } }));

test('1,000 concurrent cold reads are one call of the source', async () => {
  await withNode({}, async (node, origin) => {
    const gate = Promise.withResolvers<void>();
    origin.answer = async () => {
      await gate.promise;
      return Response.json({ name: 'one' });
    };
    const reads = crowd(`${node.url}/Product/1`, 1_000);
    await until('the source is asked', () => origin.seen.length > 0);
    gate.resolve();
    const bodies = await Promise.all(reads.map(async (read) => (await read).text()));
    expect(new Set(bodies)).toEqual(new Set(['{"id":"1","name":"one"}']));
    expect(origin.seen.length).toBe(1);
  });
});

test('of a source that fails, or has no such record, too', async () => {
  await withNode({ errorMs: 600_000, missMs: 600_000 }, async (node, origin) => {
    for (const [status, expected] of [
      [503, 502],
      [403, 502],
      [404, 404],
    ] as const) {
      const before = origin.seen.length;
      const gate = Promise.withResolvers<void>();
      origin.answer = async () => {
        await gate.promise;
        return new Response('no', { status });
      };
      const reads = crowd(`${node.url}/Product/${status}`);
      await until('the source is asked', () => origin.seen.length > before);
      gate.resolve();
      const statuses = await Promise.all(
        reads.map(async (read) => {
          const response = await read;
          await response.text();
          return response.status;
        }),
      );
      expect([status, ...new Set(statuses)]).toEqual([status, expected]);
      expect(origin.seen.length).toBe(before + 1);
    }
  });
});

test('what is not stored is fetched by each thread, and none waits for another', async () => {
  await withNode({}, async (node, origin) => {
    origin.answer = async () => Response.json({ name: 'mine' }, { headers: { 'cache-control': 'no-store' } });
    const bodies = await Promise.all(crowd(`${node.url}/Product/1`).map(async (read) => (await read).text()));
    expect(new Set(bodies.map((body) => body.includes('"mine"')))).toEqual(new Set([true]));
    expect(origin.seen.length).toBeGreaterThan(0);
  });
});

test('what was invalidated meanwhile is asked for again by all', async () => {
  await withNode({}, async (node, origin) => {
    const gate = Promise.withResolvers<void>();
    origin.answer = async () => {
      const first = origin.seen.length === 1;
      if (first) await gate.promise;
      return Response.json({ name: first ? 'old' : 'new' });
    };
    const early = fetch(`${node.url}/Product/1`);
    await until('the source is asked', () => origin.seen.length === 1);
    // A write while it is asked: newer than what it answers.
    const put = { method: 'PUT', body: '{"name":"written"}', headers: { 'content-type': 'application/json' } };
    expect((await fetch(`${node.url}/Product/1`, put)).status).toBe(204);
    gate.resolve();
    expect(await (await early).json()).toMatchObject({ name: 'written' });
    const bodies = await Promise.all(crowd(`${node.url}/Product/1`).map(async (read) => (await read).text()));
    expect(new Set(bodies)).toEqual(new Set(['{"id":"1","name":"written"}']));
    expect(origin.seen.length).toBe(1);
  });
});

test('a source that fails is left alone by all threads after as many failures as one of them would bear', async () => {
  await withNode({ failures: 4, retryMs: 600_000, errorMs: 0 }, async (node, origin) => {
    origin.answer = async () => new Response('no', { status: 503 });
    for (let id = 0; id < 60; id++) {
      const response = await fetch(`${node.url}/Product/${id}`, { headers: { connection: 'close' } });
      await response.text();
      expect(response.status).toBeGreaterThanOrEqual(500);
    }
    expect(origin.seen.length).toBe(4);
  });
});
