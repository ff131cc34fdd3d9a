// Nodes on real files, joined by real connections with certificates of their own.

import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../base/index.ts';
import { overTls } from '../net/index.ts';
import { type Replicator, type Report, replicateDatabase } from '../replication/index.ts';
import { openTestEngine } from '../replication/open-test-engine.ts';
import { parseSdl } from '../schema/index.ts';
import { type StoreEngine, sameVector } from '../store/index.ts';
import { issueCertificate, type KeyAndCertificate, makeAuthority, makeRequest } from './certificates.ts';
import { type LinkReport, Links } from './links.ts';

interface Node {
  readonly id: string;
  readonly engine: StoreEngine;
  readonly replicator: Replicator;
  readonly links: Links;
  readonly port: number;
  readonly reports: LinkReport[];
  /** Of conversations. */
  readonly said: Report[];
  readonly removed: Set<string>;
}

const schema = `
  type Note @table { id: ID @primaryKey }
  type Private @table(replicate: false) { id: ID @primaryKey }`;

let authority: KeyAndCertificate;
let folder = '';
let nodes: Node[] = [];

beforeAll(async () => {
  authority = await makeAuthority('shop', Date.now());
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'zerohop-links-'));
  nodes = [];
});
afterEach(async () => {
  for (const { links } of nodes) await links.stop();
  for (const { engine } of nodes) await engine.close();
  rmSync(folder, { recursive: true });
});

async function start(id: string, cluster = 'shop', issuedMs = Date.now()): Promise<Node> {
  const engine = openTestEngine(join(folder, id), id);
  engine.applySchema(parseSdl(schema, 'schema.graphql').tables);
  const own = { engine, database: 'data', cluster, node: id, clock: systemClock, members: () => [] };
  const said: Report[] = [];
  const replicator = await replicateDatabase({ ...own, report: (report) => void said.push(report) });
  if (!replicator) throw new Error('no database');
  const { key, request } = await makeRequest(id);
  const certificate = await issueCertificate(authority, request, { cluster, node: id, nowMs: issuedMs });
  const reports: LinkReport[] = [];
  const removed = new Set<string>();
  const links = new Links({
    cluster,
    node: id,
    clock: systemClock,
    transport: overTls(() => ({ key, certificate, authorities: [authority.certificate] })),
    databases: () => new Map([['data', replicator]]),
    makeDatabase: async () => undefined,
    refusal: (node) => (removed.has(node) ? `The node ${node} was removed.` : undefined),
    ways: () => ({ sends: true, receives: true }),
    random: () => 0.5,
    report: (report) => void reports.push(report),
  });
  const node = { id, engine, replicator, links, port: await links.listen('127.0.0.1', 0), reports, said, removed };
  nodes.push(node);
  return node;
}

const keep = (one: Node, other: Node) => {
  one.links.keep({ node: other.id, host: '127.0.0.1', port: other.port });
  other.links.keep({ node: one.id, host: '127.0.0.1', port: one.port });
};
const write = ({ engine }: Node, id: string, table = 'Note') =>
  engine.commit({
    database: 'data',
    changes: [{ op: 'put', table, id, body: JSON.stringify({ id }), expires: null }],
  });

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}
const agree = () => {
  const stores = nodes.flatMap(({ engine }) => engine.store('data') ?? []);
  const [first] = stores;
  return first !== undefined && stores.every((store) => sameVector(store.vector(), first.vector()));
};
const reasons = ({ reports }: Node) => reports.flatMap((report) => ('reason' in report ? [report.reason] : []));

describe('members', () => {
  test('three that all know each other hold the same, over one connection each', async () => {
    const [a, b, c] = [await start('a'), await start('b'), await start('c')];
    await write(a, 'before');
    for (const [one, other] of [
      [a, b],
      [b, c],
      [a, c],
    ] as const)
      keep(one, other);
    await until(() => nodes.every(({ links }) => links.connected.length === 2));
    await Promise.all(nodes.flatMap((node) => ['x', 'y', 'z'].map((id) => write(node, `${node.id}-${id}`))));
    await until(agree);
    expect(nodes.map(({ engine }) => engine.store('data')?.figures()[0]?.count)).toEqual([10, 10, 10]);
    expect(nodes.flatMap(({ reports }) => reports).filter(({ type }) => type === 'connected').length).toBe(6);
  });

  test('connect again after one was away', async () => {
    const [a, b] = [await start('a'), await start('b')];
    keep(a, b);
    await until(() => a.links.connected.length === 1 && b.links.connected.length === 1);
    for (const report of [a, b]) report.reports.length = 0;
    b.replicator.stop();
    await until(() => a.reports.some(({ type }) => type === 'disconnected'));
    await write(a, 'x');
    await until(agree);
    expect(a.links.connected).toEqual(['b']);
  });

  test('compare the tables that replicate, and those only', async () => {
    const [a, b] = [await start('a'), await start('b')];
    await write(a, 'x');
    await write(a, 'x', 'Private');
    keep(a, b);
    await until(agree);
    a.replicator.tick();
    await until(() => b.said.some(({ type }) => type === 'compared'));
    expect(b.said).toContainEqual({ type: 'compared', peer: 'a', different: [] });
    expect(b.engine.store('data')?.figures()).toMatchObject([{ count: 1 }, { table: 'Private', count: 0 }]);
  });

  test('whoever knows where the other is dials, whichever has the smaller id', async () => {
    const [a, b] = [await start('a'), await start('b')];
    a.links.keep({ node: 'b', host: '127.0.0.1', port: 1 });
    b.links.keep({ node: 'a', host: '127.0.0.1', port: a.port });
    await write(b, 'x');
    await until(agree);
    expect(a.engine.store('data')?.figures()[0]?.count).toBe(1);
  });

  test('one that was removed is refused before anything passes', async () => {
    const [a, b] = [await start('a'), await start('b')];
    b.removed.add('a');
    await write(a, 'x');
    keep(a, b);
    await until(() => b.reports.length > 0);
    expect(reasons(b)[0]).toBe('The node a was removed.');
    expect(b.engine.store('data')?.vector()).toEqual(new Map());
  });

  test('with a certificate that has run out are refused by who dials and by who is dialled, and it is said why', async () => {
    const [a, b] = [await start('a'), await start('b', 'shop', Date.now() - 91 * 24 * 3600_000)];
    await write(b, 'x');
    keep(a, b);
    await until(() => a.reports.length > 0);
    expect(reasons(a)[0]).toBe('The certificate of b is not accepted: CERT_HAS_EXPIRED.');
    b.links.keep({ node: undefined, host: '127.0.0.1', port: a.port });
    await until(() => a.reports.some((report) => report.type === 'refused' && report.peer === undefined));
    expect(new Set(reasons(a))).toEqual(new Set(['The certificate of b is not accepted: CERT_HAS_EXPIRED.']));
    expect(a.engine.store('data')?.vector()).toEqual(new Map());
  });

  test('of another cluster are refused, though their certificate is good', async () => {
    const [a, b] = [await start('a', 'other'), await start('b')];
    keep(a, b);
    await until(() => a.reports.length > 0 && b.reports.length > 0);
    expect([reasons(a)[0], reasons(b)[0]]).toEqual([
      'The node b belongs to the cluster shop.',
      'The node a belongs to the cluster other.',
    ]);
  });
});
