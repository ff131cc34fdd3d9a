// The commands of a cluster, as typed.

import { expect, setDefaultTimeout, test } from 'bun:test';
import { statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launcher } from '../support/start-node.ts';
import { type ClusterMember, TestCluster } from './cluster.ts';

setDefaultTimeout(60_000);

async function zerohop(
  member: ClusterMember,
  ...words: string[]
): Promise<{ code: number; out: string; error: string }> {
  const child = Bun.spawn(['node', launcher, 'cluster', ...words, '--data', member.node.folder], {
    env: { PATH: process.env.PATH ?? '', HOME: tmpdir() },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const [out, error, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { code, out: out.trim(), error: error.trim() };
}

test('a cluster is begun, joined, looked at and left by typing', async () => {
  await using cluster = new TestCluster({ app: 'cluster' });
  const [a, b] = [await cluster.add('db-1'), await cluster.add('db-2')];
  expect(await zerohop(a, 'status')).toMatchObject({ code: 1, out: expect.stringContaining('zerohop cluster init') });
  expect((await zerohop(a, 'token')).error).toContain('This node is in no cluster');
  expect((await zerohop(a, 'init', '--name', 'shop')).out).toMatch(/The cluster shop-[0-9a-f]{8} is begun/);
  const { out: token } = await zerohop(a, 'token', '--expires', '10m');
  const { port } = await a.status();
  expect(await zerohop(b, 'join', `127.0.0.1:${port}`, '--token', token)).toMatchObject({
    code: 0,
    out: expect.stringMatching(/This node is in the cluster shop-/),
  });
  await cluster.meshed();
  await cluster.settled();
  const { out: table } = await zerohop(b, 'status');
  expect(table).toMatch(/Cluster shop-[0-9a-f]{8}, seen from db-2/);
  expect(table).toMatch(/db-1 +\d+ s.*\n +127\.0\.0\.1:\d+ /);
  expect(JSON.parse((await zerohop(b, 'status', '--json')).out)).toMatchObject({
    peers: [{ name: 'db-1', connected: true }],
  });
  expect((await zerohop(b, 'rotate')).out).toBe('This node has a new certificate.');
  expect((await zerohop(a, 'remove', 'db-3')).error).toContain(
    'There is no node db-3 in the cluster. There are: db-1, db-2.',
  );
  expect((await zerohop(a, 'remove', 'db-2')).out).toBe('db-2 is removed from the cluster.');
});

test('keys are for their owner alone', async () => {
  await using cluster = await TestCluster.start({ app: 'cluster' }, ['a']);
  const folder = join(cluster.member('a').node.folder, 'cluster');
  await cluster.member('a').operation('cluster_token');
  const modes = ['.', 'authority.key', 'node.pem', 'tokens.json'].map(
    (name) => statSync(join(folder, name)).mode & 0o777,
  );
  expect(modes).toEqual([0o700, 0o600, 0o600, 0o600]);
});
