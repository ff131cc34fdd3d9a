// Certificates in the life of a cluster: renewed under load, made void, run out, and foreign ones.

import { expect, setDefaultTimeout, test } from 'bun:test';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { issueCertificate, makeAuthority, makeRequest } from '../../src/cluster/index.ts';
import { freePort } from '../support/free-port.ts';
import { until } from '../support/until.ts';
import { type ClusterMember, TestCluster } from './cluster.ts';

setDefaultTimeout(60_000);

const logOf = ({ node }: ClusterMember): string => node.output.text;
const logged = (member: ClusterMember, text: string) =>
  until(`${member.name} says ${text}`, () => logOf(member).includes(text));

test('certificates that last 10 seconds are renewed under load, and no write is lost', async () => {
  const settings = () => ({ REPLICATION_CERTIFICATE_MS: '10000' });
  await using cluster = await TestCluster.start({ app: 'cluster', settings }, ['a', 'b']);
  const [a, b] = [cluster.member('a'), cluster.member('b')];
  const first = await Promise.all([a.status(), b.status()]);
  let isOn = true;
  const written: string[] = [];
  const load = (async () => {
    for (let i = 0; isOn; i++)
      for (const member of [a, b]) {
        const id = `${member.name}-${i}`;
        await member.write('PUT', `/Note/${id}`, { id });
        written.push(id);
      }
  })();
  // Past the end of those it began with.
  await until('both have new ones, and the old ones have run out', async () => {
    const now = await Promise.all([a.status(), b.status()]);
    return now.every(({ validUntil }, index) => {
      const old = first[index]?.validUntil ?? 0;
      return (validUntil ?? 0) > old && Date.now() > old;
    });
  });
  isOn = false;
  await load;
  // On a busy machine an attempt may fail and the next one not.
  for (const member of [a, b]) expect(logOf(member)).toContain('This node has a new certificate, valid until');
  // A connection made now shows the new ones.
  await b.stop();
  await b.start();
  await cluster.meshed();
  await cluster.settled();
  for (const member of [a, b]) {
    const found = new Set(await member.get<string[]>('/Note/?limit(1000000)&select(id)'));
    expect(written.filter((id) => !found.has(id))).toEqual([]);
  }
});

test('a certificate that was revoked cuts the node off at once, and at every new attempt', async () => {
  await using cluster = await TestCluster.start({ app: 'cluster' }, ['a', 'b', 'c']);
  const [a, b, c] = [cluster.member('a'), cluster.member('b'), cluster.member('c')];
  await a.operation('cluster_revoke', { node: 'b' });
  await until('b is alone', async () => (await b.status()).peers.every(({ connected }) => !connected));
  await logged(a, 'Disconnected from b: The certificate of the node b was revoked');
  await b.stop();
  await b.start();
  await until('both refuse it by name', () =>
    [a, c].every((one) => /No connection with b [^"]*: The certificate of the node b was revoked/.test(logOf(one))),
  );
  await b.write('PUT', '/Note/of-b', { id: 'of-b' });
  await a.write('PUT', '/Note/of-a', { id: 'of-a' });
  await cluster.settled([a, c]);
  expect(await c.get('/Note/of-a')).toBeDefined();
  expect(await c.get('/Note/of-b')).toBeUndefined();
  expect(await b.get('/Note/of-a')).toBeUndefined();
  await until('the status says it', async () => {
    const { peers } = await a.status();
    return peers.find(({ name }) => name === 'b')?.lastError?.message.includes('was revoked') ?? false;
  });
});

test("certificates of one's own: one that is foreign, or of another cluster, is refused before any data, by name", async () => {
  const authority = await makeAuthority('corporate', Date.now());
  const stranger = await makeAuthority('stranger', Date.now());
  const port = freePort();
  let isReady = false;
  const files = (name: string) => (end: string) => join(cluster.folder, `${name}.${end}`);
  const settings = (name: string): Record<string, string> => ({
    ...(isReady && {
      REPLICATION_CERTIFICATE: files(name)('crt'),
      REPLICATION_KEY: files(name)('key'),
      REPLICATION_AUTHORITY: files(name)('authority'),
    }),
    ...(name === 'a' ? { REPLICATION_PORT: String(port) } : { REPLICATION_ROUTES: `127.0.0.1:${port}` }),
  });
  const cluster = new TestCluster({ app: 'cluster', settings });
  await using _ended = cluster;
  const [a, b] = [await cluster.add('a'), await cluster.add('b')];
  const idOf = ({ node }: ClusterMember) => readFileSync(join(node.folder, 'node-id'), 'utf8').trim();
  const ids = new Map([a, b].map((member) => [member, idOf(member)] as const));
  const give = async (
    member: ClusterMember,
    { by = authority, of = 'corporate' }: { by?: typeof authority; of?: string },
  ) => {
    const node = ids.get(member) ?? '';
    const { key, request } = await makeRequest(node);
    const file = files(member.name);
    writeFileSync(file('key'), key);
    writeFileSync(file('crt'), await issueCertificate(by, request, { cluster: of, node, nowMs: Date.now() }));
    writeFileSync(file('authority'), by.certificate);
  };
  isReady = true;
  await a.stop();
  await give(a, {});
  await a.start();
  const restart = async (how: Parameters<typeof give>[1]) => {
    await b.stop();
    await give(b, how);
    await b.start();
    await b.write('PUT', '/Note/of-b', { id: 'of-b' });
  };
  await a.write('PUT', '/Note/of-a', { id: 'of-a' });
  await restart({ by: stranger });
  await logged(b, `The certificate of ${ids.get(a)} is not accepted`);
  await restart({ of: 'elsewhere' });
  await logged(a, `The node ${ids.get(b)} belongs to the cluster elsewhere.`);
  expect(await a.get('/Note/of-b')).toBeUndefined();
  expect(await b.get('/Note/of-a')).toBeUndefined();
  await restart({});
  await cluster.meshed();
  await cluster.settled();
  expect(await a.get('/Note/of-b')).toBeDefined();
});
