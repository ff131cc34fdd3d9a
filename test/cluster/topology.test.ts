// Clusters that are not simply full: other schemas, other databases, lines that go one way, nodes that reach each other by others only.

import { expect, setDefaultTimeout, test } from 'bun:test';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { issueCertificate, makeAuthority, makeRequest } from '../../src/cluster/index.ts';
import { freePort } from '../support/free-port.ts';
import { runNode } from '../support/start-node.ts';
import { until } from '../support/until.ts';
import { TestCluster } from './cluster.ts';

setDefaultTimeout(60_000);

const app = resolve(import.meta.dirname, '../apps/cluster');
const schema = await Bun.file(join(app, 'schema.graphql')).text();

test('tables and databases that only one node knows reach the others before their records', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'zerohop-schema-'));
  try {
    cpSync(app, folder, { recursive: true });
    await using cluster = await TestCluster.start({ app: 'cluster' }, ['a', 'b']);
    const [a, b] = [cluster.member('a'), cluster.member('b')];
    await a.stop();
    writeFileSync(
      join(folder, 'schema.graphql'),
      `${schema.replace('by: String @indexed', 'by: String @indexed, extra: String! @indexed')}\ntype Page @table(database: "site") @export { id: ID @primaryKey, title: String @indexed }`,
    );
    cluster.runs('a', folder);
    await a.start();
    await a.write('PUT', '/Page/home', { id: 'home', title: 'Home' });
    await a.write('PUT', '/Note/x', { id: 'x', extra: 'yes' });
    await cluster.settled();
    // The node that was not changed finds by the attribute, and is not restrained by it.
    expect(await b.get('/Note/?extra=yes')).toMatchObject([{ id: 'x' }]);
    await b.write('PUT', '/Note/without', { id: 'without' });
    await b.stop();
    cluster.runs('b', folder);
    await b.start();
    expect(await b.get('/Page/?title=Home')).toMatchObject([{ id: 'home' }]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a chain: what the first writes reaches the last, and back', async () => {
  const names = ['a', 'b', 'c'];
  const ports = new Map(names.map((name) => [name, freePort()]));
  const next: Record<string, string> = { a: 'b', b: 'c' };
  const settings = (name: string) => ({
    REPLICATION_PORT: String(ports.get(name)),
    REPLICATION_MESH: 'routes',
    ...(next[name] !== undefined && { REPLICATION_ROUTES: `127.0.0.1:${ports.get(next[name])}` }),
  });
  await using cluster = new TestCluster({ app: 'cluster', settings });
  for (const name of names) await cluster.add(name);
  const [a, b, c] = [cluster.member('a'), cluster.member('b'), cluster.member('c')];
  await a.operation('cluster_init');
  await cluster.join(b, a);
  await cluster.join(c, a);
  await cluster.meshed([a, b]);
  await cluster.meshed([b, c]);
  await a.write('PUT', '/Note/of-a', { id: 'of-a' });
  await c.write('PUT', '/Note/of-c', { id: 'of-c' });
  await until('both ends have both', async () => {
    const found = await Promise.all([a.get('/Note/of-c'), c.get('/Note/of-a'), b.get('/Note/of-a')]);
    return found.every((note) => note !== undefined);
  });
  const { peers } = await a.status();
  expect(peers.filter(({ connected }) => connected).map(({ name }) => name)).toEqual(['b']);
});

test('without encryption, on this machine only: one node that sends, one that receives', async () => {
  const port = freePort();
  const settings = (name: string): Record<string, string> => ({
    REPLICATION_INSECURE: 'true',
    REPLICATION_MESH: 'routes',
    ...(name === 'source'
      ? { REPLICATION_PORT: String(port) }
      : { REPLICATION_ROUTES: `127.0.0.1:${port}?sends=false` }),
  });
  await using cluster = new TestCluster({ app: 'cluster', settings });
  const [source, copy] = [await cluster.add('source'), await cluster.add('copy')];
  await copy.write('PUT', '/Note/own', { id: 'own' });
  await source.write('PUT', '/Note/x', { id: 'x' });
  await until('the copy has it', async () => (await copy.get('/Note/x')) !== undefined);
  expect(await source.get('/Note/own')).toBeUndefined();
  expect((await copy.status()).encrypted).toBe(false);
});

test("certificates of one's own", async () => {
  const folder = mkdtempSync(join(tmpdir(), 'zerohop-own-'));
  try {
    const authority = await makeAuthority('corporate', Date.now());
    const port = freePort();
    let isReady = false;
    const settings = (name: string): Record<string, string> => ({
      ...(isReady && {
        REPLICATION_CERTIFICATE: join(folder, `${name}.crt`),
        REPLICATION_KEY: join(folder, `${name}.key`),
        REPLICATION_AUTHORITY: join(folder, 'authority.crt'),
      }),
      ...(name === 'a' ? { REPLICATION_PORT: String(port) } : { REPLICATION_ROUTES: `127.0.0.1:${port}` }),
    });
    await using cluster = new TestCluster({ app: 'cluster', settings });
    const [a, b] = [await cluster.add('a'), await cluster.add('b')];
    writeFileSync(join(folder, 'authority.crt'), authority.certificate);
    for (const { name, node } of [a, b]) {
      const id = readFileSync(join(node.folder, 'node-id'), 'utf8').trim();
      const { key, request } = await makeRequest(id);
      const given = { cluster: 'corporate', node: id, nowMs: Date.now() };
      writeFileSync(join(folder, `${name}.crt`), await issueCertificate(authority, request, given));
      writeFileSync(join(folder, `${name}.key`), key);
    }
    isReady = true;
    for (const member of [a, b]) {
      await member.stop();
      await member.start();
    }
    await cluster.meshed();
    await a.write('PUT', '/Note/x', { id: 'x' });
    await cluster.settled();
    expect(await b.get('/Note/x')).toBeDefined();
    await b.stop();
    for (const end of ['crt', 'key']) cpSync(join(folder, `a.${end}`), join(folder, `b.${end}`));
    await expect(b.start()).rejects.toThrow('is for the node');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.each([
  [
    'an address others can reach',
    { HOST: '0.0.0.0' },
    '0.0.0.0 (of replication.host and replication.routes) may be reached from others',
  ],
  [
    'a route to another machine',
    { HOST: '127.0.0.1', ROUTES: 'db-2.example.com' },
    'db-2.example.com (of replication.host',
  ],
])('without encryption nothing starts with %s', async (_what, given, said) => {
  const data = mkdtempSync(join(tmpdir(), 'zerohop-insecure-'));
  try {
    const settings = Object.fromEntries(Object.entries(given).map(([name, value]) => [`REPLICATION_${name}`, value]));
    const { code, text } = await runNode({
      app,
      data,
      threads: 0,
      settings: { REPLICATION_INSECURE: 'true', ...settings },
    });
    expect(text).toContain(said);
    expect(code).toBe(1);
  } finally {
    rmSync(data, { recursive: true });
  }
});
