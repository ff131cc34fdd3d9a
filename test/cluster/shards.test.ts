// Records whose nodes the application chooses by their ids: by the numbers of shards, or by the nodes' names.

import { expect, setDefaultTimeout, test } from 'bun:test';
import { until } from '../support/until.ts';
import { type ClusterMember, TestCluster } from './cluster.ts';

setDefaultTimeout(60_000);

const shardOf: Readonly<Record<string, string>> = { a: '1', b: '1', c: '2' };
const numbers = Array.from({ length: 12 }, (_, number) => number);
const ids = numbers.flatMap((number) => [
  `eu-${number}`,
  `us-${number}`,
  `at-a-${number}`,
  `at-c-${number}`,
  `o-${number}`,
]);
/** Of ids that begin so, the nodes they are on; of others, any two. */
const placesOf: readonly [start: string, names: string][] = [
  ['eu-', 'ab'],
  ['us-', 'c'],
  ['at-a-', 'a'],
  ['at-c-', 'c'],
];

async function held(member: ClusterMember): Promise<readonly string[]> {
  const response = await fetch(`${member.node.url}/Parcel/?limit(1000)`, { headers: { 'x-replicate-from': 'none' } });
  return ((await response.json()) as { readonly id: string }[]).map(({ id }) => id);
}

/** Of each id, the nodes that have it. */
async function places(members: readonly ClusterMember[]): Promise<Map<string, string>> {
  const found = new Map(ids.map((id) => [id, '']));
  for (const member of members) for (const id of await held(member)) found.set(id, (found.get(id) ?? '') + member.name);
  return found;
}

async function settled(members: readonly ClusterMember[]): Promise<void> {
  await until('every record is where it belongs', async () => {
    for (const member of members) {
      const { spread } = await member.status();
      if (spread?.state !== 'settled' || spread.disagreements.length > 0) return false;
      if (!Bun.deepEquals(spread.shards, { 1: ['a', 'b'], 2: ['c'] })) return false;
    }
    return true;
  });
}

async function readAll(members: readonly ClusterMember[]): Promise<void> {
  for (const member of members)
    await Promise.all(ids.map(async (id) => expect(await member.get(`/Parcel/${id}`)).toEqual({ id, text: id })));
}

async function confirmed(member: ClusterMember, id: string, by: string): Promise<number> {
  const response = await fetch(`${member.node.url}/Parcel/${id}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json', 'x-replicate-to': by },
    body: JSON.stringify({ text: id }),
  });
  return response.status;
}

test('records are on the nodes that the app chooses, and move when it chooses others', async () => {
  await using cluster = await TestCluster.start(
    { app: 'shards', threads: 1, settings: (name) => ({ REPLICATION_SHARD: shardOf[name] ?? '' }) },
    ['a', 'b', 'c'],
  );
  const { members } = cluster;
  const [a, b, c] = members as [ClusterMember, ClusterMember, ClusterMember];
  await settled(members);
  expect((await c.status()).spread?.shards).toEqual({ 1: ['a', 'b'], 2: ['c'] });
  expect((await c.status()).peers.map(({ name, shard }) => [name, shard]).toSorted()).toEqual([
    ['a', 1],
    ['b', 1],
  ]);

  await Promise.all(ids.map((id, number) => members[number % 3]?.write('PUT', `/Parcel/${id}`, { text: id })));
  await cluster.settled();
  const before = await places(members);
  for (const [start, names] of placesOf)
    for (const id of ids.filter((one) => one.startsWith(start))) expect([id, before.get(id)]).toEqual([id, names]);
  for (const id of ids.filter((one) => one.startsWith('o-'))) expect(before.get(id)?.length).toBe(2);
  await readAll(members);
  for (const member of members) {
    const all = await fetch(`${member.node.url}/Parcel/?sort(+id)&limit(200)&total()`);
    expect(((await all.json()) as { id: string }[]).map(({ id }) => id)).toEqual(ids.toSorted());
    expect(all.headers.get('x-total-count')).toBe(`${ids.length}`);
    expect(await member.get('/Count/')).toEqual({ recordCount: ids.length });
  }

  // What its function does not take is refused, wherever it is written.
  for (const member of members) {
    const refused = await fetch(`${member.node.url}/Parcel/bad-1`, { method: 'PUT', body: '{"text":"x"}' });
    expect(refused.status).toBe(500);
    expect(await refused.text()).toContain('no such kind');
  }
  // Only those can confirm that are to have the record.
  const waits: [member: ClusterMember, id: string, by: string, status: number][] = [
    [a, 'eu-0', 'b;confirm=1', 204],
    [c, 'eu-0', 'a,b;confirm=2', 204],
    [a, 'us-0', 'c;confirm=1', 204],
    [a, 'eu-0', 'c;confirm=1', 504],
  ];
  for (const [member, id, by, status] of waits)
    expect([member.name, id, by, await confirmed(member, id, by)]).toEqual([member.name, id, by, status]);

  // One node runs another function: that is told, nothing moves, all can be read.
  cluster.runs('c', 'shards-swapped');
  await c.stop();
  await c.start();
  await cluster.meshed();
  const disagreement = (names: readonly string[]) => [{ table: 'data.Parcel', members: names }];
  await until('the nodes tell that they do not agree', async () => {
    const told = await Promise.all(members.map(async (member) => (await member.status()).spread?.disagreements));
    return Bun.deepEquals(told, [disagreement(['c']), disagreement(['c']), disagreement(['a', 'b'])]);
  });
  await readAll(members);
  await Promise.all(ids.map((id, number) => members[number % 3]?.write('PUT', `/Parcel/${id}`, { text: id })));
  await cluster.settled();
  await readAll(members);
  expect(await places(members)).toEqual(before);

  // When all do, what is to be elsewhere moves, and nothing else.
  for (const member of [a, b]) {
    cluster.runs(member.name, 'shards-swapped');
    await member.stop();
    await member.start();
  }
  await cluster.meshed();
  await settled(members);
  const after = await places(members);
  for (const [id, names] of before) {
    const expected = id.startsWith('eu-') ? 'c' : id.startsWith('us-') ? 'ab' : names;
    expect([id, after.get(id)]).toEqual([id, expected]);
  }
  await readAll(members);
  for (const member of members) expect(await member.get('/Count/')).toEqual({ recordCount: ids.length });

  // A record that nobody has who can be reached is not said to be missing; the others go on.
  await c.kill9();
  expect((await fetch(`${a.node.url}/Parcel/eu-1`)).status).toBe(504);
  expect((await fetch(`${b.node.url}/Parcel/us-1`)).status).toBe(200);
  expect((await fetch(`${a.node.url}/Parcel/?limit(200)`)).status).toBe(504);
});
