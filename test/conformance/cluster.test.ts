// What apps written for this programming model expect of two nodes that replicate: checks 37 and 38 of the interface.

import { afterAll, beforeAll, expect, test } from 'bun:test';
import { type ClusterMember, TestCluster } from '../cluster/cluster.ts';
import { until } from '../support/until.ts';

interface Both {
  readonly left: number;
  readonly right: number;
}

let cluster: TestCluster;
let a: ClusterMember;
let b: ClusterMember;
beforeAll(async () => {
  cluster = await TestCluster.start({ app: 'pairs', threads: 1 }, ['a', 'b']);
  [a, b] = [cluster.member('a'), cluster.member('b')];
}, 60_000);
afterAll(() => cluster?.[Symbol.asyncDispose]());

test('37: what was written together arrives together', async () => {
  const last = 200;
  const seen = new Set<number>();
  const writing = (async () => {
    for (let n = 1; n <= last; n++) expect((await a.write('PUT', '/Pair/x', { n })).status).toBe(204);
  })();
  await until('the last pair is at b', async () => {
    const { left = Number.NaN, right } = (await b.get<Both>('/Pair/x')) ?? {};
    expect(right).toBe(left);
    seen.add(left);
    return left === last;
  });
  await writing;
  expect(seen.has(last)).toBe(true);
}, 60_000);

test('38: what is added at the same time adds up; of two replacements all have the later', async () => {
  await a.write('PUT', '/Pair/sum', { n: 0 });
  await cluster.settled();
  const adding = [a, b].flatMap((member) =>
    Array.from({ length: 25 }, async (_, index) => member.write('PATCH', '/Pair/sum', { n: index })),
  );
  await Promise.all(adding);
  await Promise.all([a.write('PUT', '/LeftHalf/one', { n: 1 }), b.write('PUT', '/LeftHalf/one', { n: 2 })]);
  await cluster.settled();
  const sum = (2 * (24 * 25)) / 2;
  for (const member of [a, b]) expect(await member.get<Both>('/Pair/sum')).toEqual({ left: sum, right: sum });
  const [atA, atB] = await Promise.all([a, b].map((member) => fetch(`${member.node.url}/LeftHalf/one`)));
  expect(await atA?.text()).toBe((await atB?.text()) ?? '');
  expect(atA?.headers.get('etag')).toBe(atB?.headers.get('etag') ?? '');

  await a.write('PUT', '/LeftHalf/one', { n: 3 });
  await cluster.settled();
  await b.write('PUT', '/LeftHalf/one', { n: 4 });
  await cluster.settled();
  for (const member of [a, b]) expect(await member.get('/LeftHalf/one')).toEqual({ id: 'one', n: 4 });
}, 60_000);
