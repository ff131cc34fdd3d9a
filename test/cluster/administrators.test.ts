// Whose administrators a cluster has: those of the node it was begun on, not the ones that nodes make for themselves while they are alone.

import { expect, setDefaultTimeout, test } from 'bun:test';
import { until } from '../support/until.ts';
import { type ClusterMember, TestCluster } from './cluster.ts';

setDefaultTimeout(60_000);

const settings = (): Record<string, string> => ({ AUTHORIZE_LOCAL: 'false' });

async function passwordOf({ node }: ClusterMember): Promise<string> {
  const [, password = ''] = await node.output.match(/Made the user admin with the password (\S+)/);
  return password;
}

async function status({ node }: ClusterMember, username: string, password: string): Promise<number> {
  const authorization = `Basic ${btoa(`${username}:${password}`)}`;
  const body = JSON.stringify({ operation: 'list_users' });
  return (await fetch(node.operationsUrl, { method: 'POST', body, headers: { authorization } })).status;
}

test('nodes that join take on the administrators of the cluster', async () => {
  await using cluster = new TestCluster({ app: 'cluster', settings });
  const [a, b, c] = [await cluster.add('a'), await cluster.add('b'), await cluster.add('c')];
  // One that a person has made stays, as all data does.
  await c.operation('add_user', { username: 'kim', password: 'a long password', role: 'super_user' });
  await a.operation('cluster_init', { cluster: 'test' });
  for (const node of [b, c]) await cluster.join(node, a);
  await cluster.meshed();
  await cluster.settled();
  const passwords = await Promise.all([a, b, c].map(passwordOf));
  for (const member of cluster.members) {
    const statuses = await Promise.all(passwords.map((password) => status(member, 'admin', password)));
    expect([member.name, ...statuses]).toEqual([member.name, 200, 401, 401]);
    expect(await status(member, 'kim', 'a long password')).toBe(200);
  }
  await until('they are equal', async () => {
    const { peers } = await a.status();
    return peers.every(({ databases }) => databases.every(({ equal }) => equal));
  });
});

test('a node that was in a cluster from its beginning makes none, and says how to', async () => {
  await using cluster = new TestCluster({
    app: 'cluster',
    settings: () => ({ ...settings(), REPLICATION_INSECURE: 'true' }),
  });
  const node = await cluster.add('a');
  await node.node.output.match(/zerohop op add_user username=admin/);
  await node.operation('add_user', { username: 'admin', password: 'a long password', role: 'super_user' });
  expect(await status(node, 'admin', 'a long password')).toBe(200);
});
