// What an operator does to a cluster that works: upgrades it node by node, and looks at how it stands.

import { expect, setDefaultTimeout, test } from 'bun:test';
import { launcher } from '../support/start-node.ts';
import { until } from '../support/until.ts';
import { type ClusterMember, TestCluster } from './cluster.ts';

setDefaultTimeout(60_000);

test('one node after the other is stopped and started under load: no acknowledged write is lost', async () => {
  await using cluster = await TestCluster.start({ app: 'cluster', threads: 1 }, ['a', 'b', 'c']);
  const acknowledged: string[] = [];
  let isOn = true;
  // A client that goes to the next node when one does not answer, as a load balancer does.
  const clients = cluster.members.map(async (_, first) => {
    for (let i = 0, at = first; isOn; i++) {
      const id = `${first}-${i}`;
      const member = cluster.members[at % cluster.members.length] as ClusterMember;
      const isDone = await member.write('PUT', `/Note/${id}`, { id }).then(
        () => true,
        () => false,
      );
      if (isDone) acknowledged.push(id);
      else {
        at++;
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  });
  for (const member of cluster.members) {
    await member.stop();
    const before = acknowledged.length;
    await until('the others are written to', () => acknowledged.length > before + 20);
    await member.start();
    await cluster.meshed();
    await until(
      `nothing is behind or missing at ${member.name}`,
      async () => (await member.status()).missingSeconds === 0,
    );
  }
  isOn = false;
  await Promise.all(clients);
  await cluster.settled();
  for (const member of cluster.members) {
    const found = new Set(await member.get<string[]>('/Note/?limit(1000000)&select(id)'));
    expect(acknowledged.filter((id) => !found.has(id))).toEqual([]);
  }
});

test('two nodes that dial each other at once, and one that is restarted, leave no error in the status', async () => {
  await using cluster = await TestCluster.start({ app: 'cluster' }, ['a', 'b']);
  const [a, b] = [cluster.member('a'), cluster.member('b')];
  const errors = async () =>
    (await Promise.all([a.status(), b.status()])).flatMap(({ peers }) =>
      peers.flatMap(({ name, lastError }) => lastError && `${name}: ${lastError.message}`),
    );
  // Only that nobody listened yet, or for a while.
  const areHarmless = async () => {
    for (const error of await errors()) expect(error ?? 'ECONNREFUSED').toContain('ECONNREFUSED');
  };
  await areHarmless();
  await b.stop();
  await b.start();
  await cluster.meshed();
  await areHarmless();
});

test('the status of a node fits 80 columns', async () => {
  const names = ['db-1', 'db-2', 'db-3'];
  await using cluster = await TestCluster.start({ app: 'cluster' }, names);
  await cluster.settled();
  const { folder } = cluster.member('db-1').node;
  const command = Bun.spawn(['node', launcher, 'cluster', 'status', '--data', folder], {
    stdout: 'pipe',
    env: { ...process.env, COLUMNS: '80' },
  });
  const text = await command.stdout.text();
  expect(await command.exited).toBe(0);
  expect(text).toContain('db-3');
  expect(text.split('\n').filter((line) => line.length > 80)).toEqual([]);
});
