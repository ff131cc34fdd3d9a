// Conditional requests on records that merging has changed.

import { expect, setDefaultTimeout, test } from 'bun:test';
import { type ClusterMember, TestCluster } from './cluster.ts';

setDefaultTimeout(60_000);

async function entityTag(member: ClusterMember, path: string): Promise<string> {
  const response = await fetch(member.node.url + path);
  await response.arrayBuffer();
  return response.headers.get('etag') ?? '';
}

async function patchIf(member: ClusterMember, path: string, tag: string): Promise<number> {
  const response = await fetch(member.node.url + path, {
    method: 'PATCH',
    headers: { 'content-type': 'application/json', 'if-match': tag },
    body: '{"count":1}',
  });
  await response.arrayBuffer();
  return response.status;
}

test('a record that merging has changed has the same entity tag on all nodes, and who saw the earlier write is refused', async () => {
  await using cluster = await TestCluster.start({ app: 'cluster', roundTripMs: () => 0 }, ['a', 'b']);
  const [a, b] = [cluster.member('a'), cluster.member('b')];
  await a.write('PUT', '/Note/x', { id: 'x' });
  await cluster.settled();
  expect(await entityTag(a, '/Note/x')).toBe(await entityTag(b, '/Note/x'));
  cluster.partition('b');
  await a.write('PATCH', '/Note/x', { text: 'of a' });
  await b.write('PATCH', '/Note/x', { by: 'b' });
  const before = await entityTag(a, '/Note/x');
  cluster.partition();
  await cluster.meshed();
  await cluster.settled();
  const merged = await entityTag(a, '/Note/x');
  expect(await a.get('/Note/x')).toMatchObject({ text: 'of a', by: 'b' });
  expect(await entityTag(b, '/Note/x')).toBe(merged);
  expect(merged).not.toBe(before);
  expect(await patchIf(a, '/Note/x', before)).toBe(412);
  expect(await patchIf(b, '/Note/x', before)).toBe(412);
  expect(await patchIf(b, '/Note/x', merged)).toBe(204);
});
