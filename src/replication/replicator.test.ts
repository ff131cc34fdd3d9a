// Two and three nodes in one process: engines on real files, their conversations joined by a queue in place of a connection.

import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseSdl } from '../schema/index.ts';
import { BlobFiles, type Change, type StoreEngine, sameVector } from '../store/index.ts';
import { replicationLimits } from './limits.ts';
import type { Message } from './messages.ts';
import { openTestEngine } from './open-test-engine.ts';
import { replicateDatabase } from './replicate-database.ts';
import type { Link, Replicator, Report } from './replicator.ts';

const sdl = `
type Note @table { id: ID @primaryKey  text: String }
type Picture @table { id: ID @primaryKey  bytes: Blob }
`;

interface Node {
  readonly id: string;
  readonly engine: StoreEngine;
  readonly replicator: Replicator;
  readonly blobs: BlobFiles;
  readonly reports: Report[];
}

let folder = '';
let nodes: Node[] = [];
/** What is said, by type, by whom. */
let said: string[] = [];
let skippedMs = 0;
const nowMs = () => Date.now() + skippedMs;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'zerohop-replicator-'));
  nodes = [];
  said = [];
});
afterEach(async () => {
  for (const { engine } of nodes) await engine.close();
  rmSync(folder, { recursive: true });
});

async function start(id: string, schema = sdl): Promise<Node> {
  const reports: Report[] = [];
  const engine = openTestEngine(join(folder, id), id);
  engine.applySchema(parseSdl(schema, 'schema.graphql').tables);
  const report = (one: Report) => void reports.push(one);
  const own = { engine, database: 'data', cluster: 'c', node: id, clock: { nowMs }, members: () => [], report };
  const replicator = await replicateDatabase(own);
  if (!replicator) throw new Error('no database');
  const node = { id, engine, replicator, blobs: new BlobFiles(join(folder, id), 'data'), reports };
  nodes.push(node);
  return node;
}

/** Joins two nodes; returns what breaks the connection. */
function join2(a: Node, b: Node): () => void {
  let isOpen = true;
  const links: { a?: Link; b?: Link } = {};
  const channel = (from: Node, to: 'a' | 'b') => ({
    send: (message: Message) => {
      said.push(`${from.id} ${message.type}`);
      setImmediate(() => {
        if (isOpen) links[to]?.receive(message, nowMs());
      });
    },
    end: () => {},
  });
  const options = { sends: true, receives: true };
  links.a = a.replicator.connect(channel(a, 'b'), { ...options, identity: b.id });
  links.b = b.replicator.connect(channel(b, 'a'), { ...options, identity: a.id });
  return () => {
    isOpen = false;
    for (const link of [links.a, links.b]) link?.handle({ type: 'disconnected', reason: 'test' });
  };
}

const put = (table: string, id: string, record: object = {}): Change => ({
  op: 'put',
  table,
  id,
  body: JSON.stringify({ id, ...record }),
  expires: null,
});
const commit = ({ engine }: Node, ...changes: Change[]) => engine.commit({ database: 'data', changes });
const storeOf = ({ engine }: Node) => {
  const store = engine.store('data');
  if (!store) throw new Error('no store');
  return store;
};
const body = (node: Node, table: string, id: string): unknown =>
  JSON.parse(String(storeOf(node).connection.first(`SELECT _body FROM "${table}" WHERE _id = ?`, [id])?.[0] ?? 'null'));

/** Until all nodes have the same, and know that the others have it on disk. */
async function agreement(): Promise<void> {
  const isReached = () =>
    nodes.every((node) =>
      nodes.every(
        (other) =>
          sameVector(storeOf(node).vector(), storeOf(other).vector()) &&
          (node === other || sameVector(node.replicator.durableAt(other.id), storeOf(other).vector())),
      ),
    );
  while (!isReached()) {
    for (const { replicator } of nodes) replicator.tick();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('two nodes', () => {
  test('exchange what each had before and what comes then', async () => {
    const [a, b] = [await start('a'), await start('b')];
    await commit(a, put('Note', 'x', { text: 'by a' }));
    await commit(b, put('Note', 'y', { text: 'by b' }));
    join2(a, b);
    await agreement();
    await commit(a, put('Note', 'z'));
    await agreement();
    for (const node of nodes)
      expect([body(node, 'Note', 'x'), body(node, 'Note', 'y'), body(node, 'Note', 'z')]).toEqual([
        { id: 'x', text: 'by a' },
        { id: 'y', text: 'by b' },
        { id: 'z' },
      ]);
    expect(storeOf(a).figures()).toEqual(storeOf(b).figures());
  });

  test('go on after the connection broke, with no copy', async () => {
    const [a, b] = [await start('a'), await start('b')];
    const cut = join2(a, b);
    await agreement();
    cut();
    for (let i = 0; i < 50; i++) await commit(i % 2 ? a : b, put('Note', `n${i % 7}`, { text: String(i) }));
    join2(a, b);
    await agreement();
    expect(storeOf(a).figures()).toEqual(storeOf(b).figures());
    expect(said.filter((line) => line.endsWith('copy'))).toEqual([]);
  });

  test('bring the bytes of a blob before the record that refers to it', async () => {
    const [a, b] = [await start('a'), await start('b')];
    join2(a, b);
    const bytes = crypto.getRandomValues(new Uint8Array(65_536));
    const large = new Uint8Array(replicationLimits.blobPieceBytes * 2 + 5).map((_, at) => bytes[at % 65_536] ?? 0);
    const ids: string[] = [];
    for (const content of [large, new Uint8Array(0), bytes]) ids.push((await a.blobs.write(content)).id);
    const pictures = ids.map((id, n) => put('Picture', `p${n}`, { bytes: { $blob: id, size: 1, type: 'image/png' } }));
    await commit(a, ...pictures);
    await agreement();
    expect(ids.map((id) => Bun.file(b.blobs.path(id)).size)).toEqual([large.byteLength, 0, bytes.byteLength]);
    expect(await Bun.file(b.blobs.path(ids[0] ?? '')).bytes()).toEqual(large);
    expect(body(b, 'Picture', 'p0')).toEqual(body(a, 'Picture', 'p0'));
  });

  test('make tables the other has before their records come', async () => {
    const [a, b] = [await start('a', `${sdl} type Extra @table { id: ID @primaryKey }`), await start('b')];
    await commit(a, put('Extra', 'x'));
    join2(a, b);
    await agreement();
    expect(body(b, 'Extra', 'x')).toEqual({ id: 'x' });
  });
});

/** Lets seconds pass for the nodes, and what they say then arrive. */
async function pass(seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    skippedMs += 1000;
    for (const { replicator } of nodes) replicator.tick();
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('three nodes', () => {
  test('in a chain pass on what others wrote, and what others have on disk', async () => {
    const [a, b, c] = [await start('a'), await start('b'), await start('c')];
    join2(a, b);
    join2(b, c);
    await commit(a, put('Note', 'x'));
    await commit(c, put('Note', 'y'));
    while (!sameVector(a.replicator.durableAt('c'), storeOf(a).vector())) await pass(1);
    expect(storeOf(a).figures()).toEqual(storeOf(c).figures());
    expect([...a.replicator.durableAt('c')].sort()).toEqual([
      ['a', 1],
      ['c', 1],
    ]);
  });

  test('in a circle pass nothing on that all hear directly', async () => {
    const [a, b, c] = [await start('a'), await start('b'), await start('c')];
    for (const [one, other] of [
      [a, b],
      [b, c],
      [a, c],
    ] as const)
      join2(one, other);
    await agreement();
    said = [];
    await commit(a, put('Note', 'x'));
    await agreement();
    expect(said.filter((line) => line.endsWith(' data'))).toEqual(['a data', 'a data']);
  });
});

describe('nodes that compare their digests', () => {
  const diverged = () => nodes.flatMap(({ reports }) => reports.filter(({ type }) => type === 'diverged'));

  test('find nothing while they agree', async () => {
    const [a, b] = [await start('a'), await start('b')];
    join2(a, b);
    await commit(a, put('Note', 'x'));
    await agreement();
    await pass(80);
    expect(a.reports.filter(({ type }) => type === 'compared').length).toBeGreaterThan(3);
    expect(diverged()).toEqual([]);
  });

  test('find the table that differs although both have the same transactions', async () => {
    const [a, b] = [await start('a'), await start('b')];
    await commit(a, put('Note', 'x', { text: 'right' }));
    const answer = storeOf(a).readSince({ vector: new Map(), except: new Set(), after: 0, limitBytes: 1000 });
    if (answer.kind !== 'batch') throw new Error('needs a copy');
    const { batch } = answer;
    storeOf(b).applyRemote({ ...batch, rows: batch.rows.map((row) => ({ ...row, id: 'y' })) });
    join2(a, b);
    await pass(80);
    expect(diverged()).toContainEqual({ type: 'diverged', peer: 'b', table: 'Note' });
  });
});
