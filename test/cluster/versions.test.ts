// Clusters whose nodes are not alike: other versions of the protocol, older schemas, some databases only.

import { expect, setDefaultTimeout, test } from 'bun:test';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { overPlainTcp } from '../../src/net/index.ts';
import { encodeFrame, FrameSplitter, type Message } from '../../src/replication/index.ts';
import { freePort } from '../support/free-port.ts';
import { until } from '../support/until.ts';
import { TestCluster } from './cluster.ts';

setDefaultTimeout(60_000);

const app = resolve(import.meta.dirname, '../apps/cluster');
const schema = await Bun.file(join(app, 'schema.graphql')).text();

/** A hello of the cluster `insecure` about the database `data`, by the node `peer`, as nodes of other versions say it. */
const recorded = {
  older:
    '2d000000010000' +
    '5a484f50' +
    '00' +
    '08696e736563757265' +
    '0470656572' +
    '0464617461' +
    '00' +
    '1000112233445566778899aabbccddeeff',
  newer: '1b000000010000' + '5a484f50' + '02' + 'ff' + '0470656572' + '0464617461' + '7b226e6577223a7d',
};

/** Says something to a node as a peer, and gives what it answers until one of these is true. */
async function greet(
  port: number,
  bytes: Uint8Array,
  isEnough: (heard: readonly Message[]) => boolean,
): Promise<readonly Message[]> {
  const heard: Message[] = [];
  const splitter = new FrameSplitter();
  const { promise, resolve: done, reject } = Promise.withResolvers<void>();
  overPlainTcp('URI:zerohop://insecure/peer').dial({
    host: '127.0.0.1',
    port,
    timeoutMs: 5_000,
    opened: (channel) => {
      channel.send(bytes);
      return {
        bytes: (chunk) => {
          for (const split of splitter.push(chunk)) if (split.ok) heard.push(split.frame.message);
          if (isEnough(heard)) {
            channel.close();
            done();
          }
        },
        closed: () => (isEnough(heard) ? done() : reject(new Error(`closed after ${JSON.stringify(heard)}`))),
      };
    },
    refused: (reason) => reject(new Error(reason)),
  });
  await promise;
  return heard;
}

test('nodes of other versions are refused by name until they are upgraded, and served then', async () => {
  const port = freePort();
  const settings = () => ({ REPLICATION_INSECURE: 'true', REPLICATION_MESH: 'routes', REPLICATION_PORT: String(port) });
  await using cluster = new TestCluster({ app: 'cluster', settings });
  const node = await cluster.add('a');
  await node.write('PUT', '/Note/x', { id: 'x' });
  const refusals: readonly [hello: string, said: string][] = [
    [recorded.older, 'version 0 of the protocol, and this node version 1: update the peer'],
    [recorded.newer, 'version 2 of the protocol, and this node version 1: update this node'],
  ];
  for (const [hello, said] of refusals) {
    const bytes = new Uint8Array(Buffer.from(hello, 'hex'));
    expect(bytes.byteLength).toBe(4 + (bytes[0] ?? 0));
    const heard = await greet(port, bytes, (messages) => messages.some(({ type }) => type === 'bye'));
    const byes = heard.filter((message) => message.type === 'bye');
    expect(byes.map(({ code }) => code)).toContain('VERSION');
    expect(byes.map(({ message }) => message).join('\n')).toContain(said);
    expect(heard.filter(({ type }) => type === 'data' || type === 'copy')).toEqual([]);
    await until('the log tells', async () => node.node.output.text.includes(said));
  }
  expect(await node.get('/Note/x')).toMatchObject({ id: 'x' });
  // The same node, upgraded.
  const hello: Message = {
    type: 'hello',
    protocol: 1,
    cluster: 'insecure',
    node: 'peer',
    database: 'data',
    vector: new Map(),
    schemaDigest: '',
    sends: true,
  };
  const want: Message = { type: 'want', stream: 1, vector: new Map(), except: [], resume: null, credit: 1e6 };
  const both = Buffer.concat([encodeFrame(0, hello), encodeFrame(0, want)]);
  const heard = await greet(port, both, (messages) => messages.some(({ type }) => type === 'data'));
  const rows = heard.flatMap((message) => (message.type === 'data' ? message.batch.rows : []));
  expect(rows.map(({ table, id }) => [table, id])).toContainEqual(['Note', 'x']);
});

test('a node with an older schema keeps attributes it does not know', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'zerohop-newer-'));
  try {
    cpSync(app, folder, { recursive: true });
    writeFileSync(
      join(folder, 'schema.graphql'),
      schema.replace('by: String @indexed', 'by: String @indexed, extra: String'),
    );
    await using cluster = await TestCluster.start({ app: 'cluster' }, ['newer', 'older']);
    const [newer, older] = [cluster.member('newer'), cluster.member('older')];
    await newer.stop();
    cluster.runs('newer', folder);
    await newer.start();
    await newer.write('PUT', '/Note/x', { id: 'x', extra: 'kept', count: 1 });
    await cluster.settled();
    // Started anew, it has its own schema again.
    await older.stop();
    await older.start();
    await cluster.meshed();
    await older.write('PATCH', '/Note/x', { by: 'older', count: { $add: 1 } });
    await cluster.settled();
    for (const member of [newer, older])
      expect(await member.get('/Note/x')).toMatchObject({ id: 'x', extra: 'kept', by: 'older', count: 2 });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a node takes part with the databases that its configuration names', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'zerohop-two-'));
  try {
    cpSync(app, folder, { recursive: true });
    writeFileSync(
      join(folder, 'schema.graphql'),
      `${schema}\ntype Page @table(database: "site") @export { id: ID @primaryKey, title: String }`,
    );
    let isChoosing = true;
    const settings = (name: string): Record<string, string> =>
      name === 'b' && isChoosing ? { REPLICATION_DATABASES: 'data' } : {};
    await using cluster = await TestCluster.start({ app: folder, settings }, ['a', 'b']);
    const [a, b] = [cluster.member('a'), cluster.member('b')];
    await a.write('PUT', '/Page/of-a', { id: 'of-a' });
    await b.write('PUT', '/Page/of-b', { id: 'of-b' });
    await a.write('PUT', '/Note/of-a', { id: 'of-a' });
    await b.write('PUT', '/Note/of-b', { id: 'of-b' });
    const has = async (path: string) =>
      (await Promise.all([a.get(path), b.get(path)])).map((found) => found !== undefined);
    await until('both have the notes', async () =>
      [await has('/Note/of-a'), await has('/Note/of-b')].flat().every(Boolean),
    );
    // A note written after the pages came over: they were not to come before it, either.
    expect([await has('/Page/of-a'), await has('/Page/of-b')]).toEqual([
      [true, false],
      [false, true],
    ]);
    const databases = async (one: typeof a) =>
      (await one.status()).peers[0]?.databases.filter(({ connected }) => connected);
    expect((await databases(a))?.map(({ database }) => database)).toEqual(['data', 'system']);
    // Named later, it gets what it missed, and gives what it has.
    isChoosing = false;
    await b.stop();
    await b.start();
    await until('both have the pages', async () =>
      [await has('/Page/of-a'), await has('/Page/of-b')].flat().every(Boolean),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});
