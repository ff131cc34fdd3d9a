// Tables of which each node holds a part: every record is on as many nodes as the schema says, and all nodes answer for all of them, while
// members come, go and fail.

import { expect, setDefaultTimeout, test } from 'bun:test';
import { until } from '../support/until.ts';
import { type ClusterMember, TestCluster } from './cluster.ts';

setDefaultTimeout(60_000);

const ids = Array.from({ length: 90 }, (_, number) => `item-${number}`);
const copies = 2;

/** The records a node has in its own tables. */
async function held(member: ClusterMember): Promise<Map<string, string>> {
  const response = await fetch(`${member.node.url}/Reading/?limit(1000)`, { headers: { 'x-replicate-from': 'none' } });
  const records = (await response.json()) as { readonly id: string; readonly text: string }[];
  return new Map(records.map(({ id, text }) => [id, text]));
}

/** Resolves when each record is where it belongs. */
async function spread(members: readonly ClusterMember[]): Promise<void> {
  await until('every record is where it belongs', async () => {
    for (const member of members) if ((await member.status()).spread?.state !== 'settled') return false;
    return true;
  });
}

/** How many of the nodes hold each record, at least and at most. */
async function copiesOn(members: readonly ClusterMember[]): Promise<[number, number]> {
  const counts = new Map(ids.map((id) => [id, 0]));
  for (const member of members) for (const id of (await held(member)).keys()) counts.set(id, (counts.get(id) ?? 0) + 1);
  return [Math.min(...counts.values()), Math.max(...counts.values())];
}

async function readAll(member: ClusterMember, expected: (id: string) => string): Promise<void> {
  await Promise.all(
    ids.map(async (id) => {
      const record = await member.get<{ text: string }>(`/Reading/${id}`);
      if (record?.text !== expected(id)) throw new Error(`${id} at ${member.name}: ${JSON.stringify(record)}`);
    }),
  );
}

test('records are on two nodes of three, and read and written on all', async () => {
  await using cluster = await TestCluster.start({ app: 'sharding', threads: 1 }, ['a', 'b', 'c']);
  const { members } = cluster;
  const [a, b, c] = members as [ClusterMember, ClusterMember, ClusterMember];
  await spread(members);
  await Promise.all(
    ids.map((id, number) => members[number % 3]?.write('PUT', `/Reading/${id}`, { text: id, count: 0 })),
  );
  await cluster.settled();
  expect(await copiesOn(members)).toEqual([copies, copies]);
  for (const member of members) await readAll(member, (id) => id);

  // Whoever is asked, each write counts, and is refused where its condition is not met.
  for (const member of members)
    await Promise.all(ids.slice(0, 30).map((id) => member.write('PATCH', `/Reading/${id}`, { count: { $add: 1 } })));
  await cluster.settled();
  for (const member of members)
    for (const id of ids.slice(0, 30)) expect(await member.get(`/Reading/${id}`)).toEqual({ id, text: id, count: 3 });
  for (const member of members) {
    const taken = await fetch(`${member.node.url}/Reading/${ids[0]}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json', 'if-none-match': '*' },
      body: '{"text":"another"}',
    });
    expect(taken.status).toBe(412);
    const nobody = await fetch(`${member.node.url}/Reading/nobody`, { method: 'PATCH', body: '{"text":"x"}' });
    expect(nobody.status).toBe(404);
    expect(await member.get('/Reading/nobody')).toBeUndefined();
  }
  // App code has them all, too.
  const [changed = ''] = ids;
  for (const [number, member] of members.entries()) {
    const response = await member.write('POST', '/Change/', { id: changed, text: `change ${number}` });
    expect(await response.json()).toEqual({ before: number === 0 ? changed : `change ${number - 1}` });
    await cluster.settled();
  }
  for (const member of members) {
    expect(await member.get(`/Reading/${changed}`)).toEqual({ id: changed, text: 'change 2', count: 6 });
    expect(await member.get<unknown>('/Change/?text=change%202')).toEqual([changed]);
  }
  await b.write('PUT', `/Reading/${changed}`, { text: changed, count: 3 });
  for (const [number, id] of ids.slice(70).entries()) await members[number % 3]?.write('DELETE', `/Reading/${id}`);
  await cluster.settled();
  for (const member of members)
    for (const id of ids.slice(70)) expect(await member.get(`/Reading/${id}`)).toBeUndefined();

  // Queries are answered from all nodes that have something, in order, once each.
  const listed = ids.slice(0, 70).toSorted();
  const queries: [query: string, expected: unknown][] = [
    ['?sort(+id)&limit(200)', listed],
    ['?sort(-id)&limit(10,30)', listed.toReversed().slice(10, 30)],
    ['?text=item-7', ['item-7']],
    ['?id=item-8', ['item-8']],
    ['?count=3&sort(+id)&limit(5)', ids.slice(0, 30).toSorted().slice(0, 5)],
    ['?text=nothing', []],
  ];
  for (const member of members)
    for (const [query, expected] of queries) {
      const found = await member.get<{ id: string }[]>(`/Reading/${query}`);
      expect<unknown>([query, found?.map(({ id }) => id)]).toEqual([query, expected]);
    }
  expect(await a.get<unknown>('/Reading/?sort(+id)&limit(2)&select(text)')).toEqual([listed[0], listed[1]]);

  // What would miss records says so.
  const statusOf = async (path: string, headers = {}) => (await fetch(a.node.url + path, { headers })).status;
  const byOperation = a.operation('search_by_value', {
    table: 'Reading',
    search_attribute: 'text',
    search_value: 'item-1',
  });
  await expect(byOperation).rejects.toThrow('spread over the nodes');
  const heldByA = await held(a);
  const elsewhere = ids.slice(0, 70).find((id) => !heldByA.has(id));
  expect(await statusOf(`/Reading/${elsewhere}`)).toBe(200);
  expect(await a.get<unknown>(`/Reading/${elsewhere}?select(text)`)).toEqual(elsewhere);
  expect(await a.get<unknown>(`/Reading/${elsewhere}.text`)).toEqual(elsewhere);
  expect(await statusOf(`/Reading/${elsewhere}`, { 'x-replicate-from': 'none' })).toBe(404);
  const numbered = await fetch(`${a.node.url}/Numbered/`, { method: 'POST', body: '{"text":"x"}' });
  expect(numbered.status).toBe(501);

  // One home of each record is enough.
  await a.kill9();
  for (const member of [b, c])
    for (const id of ids.slice(0, 70)) expect(await member.get(`/Reading/${id}`)).toMatchObject({ text: id });
  for (const member of [b, c]) expect(await member.get<unknown[]>('/Reading/?limit(200)')).toHaveLength(70);
  // Of what may be on those alone that are away, nothing is answered in part.
  await c.kill9();
  for (const query of ['?limit(200)', '?sort(-id)&limit(5)', '?text=item-7', '?limit(1)&total()']) {
    const answer = await fetch(`${b.node.url}/Reading/${query}`);
    expect([query, answer.status]).toEqual([query, 504]);
    expect((await answer.json()) as object).toMatchObject({ code: 'UNREACHABLE', missing: ['a', 'c'] });
  }
});

test('a node that joins takes its part, one that is removed leaves its part to others, and every record can be read all the time', async () => {
  await using cluster = await TestCluster.start({ app: 'sharding', threads: 1 }, ['a', 'b', 'c']);
  const three = [...cluster.members];
  const [a, b] = three as [ClusterMember, ClusterMember, ClusterMember];
  await Promise.all(ids.map((id) => a.write('PUT', `/Reading/${id}`, { text: id, count: 0 })));
  await spread(three);
  await cluster.settled();
  const before = await Promise.all(three.map(held));

  // Somebody reads all the time, and somebody writes.
  let isOver = false;
  const misses: string[] = [];
  let rounds = 0;
  const readers = three.map(async (member) => {
    while (!isOver) {
      for (const id of ids) {
        const response = await fetch(`${member.node.url}/Reading/${id}`);
        if (response.status !== 200)
          misses.push(`${id} at ${member.name}: ${response.status} ${await response.text()}`);
        if (isOver) return;
      }
      rounds++;
    }
  });
  let written = 0;
  const writer = (async () => {
    for (; !isOver; written++)
      await three[written % 3]?.write('PATCH', `/Reading/${ids[written % ids.length]}`, { count: { $add: 1 } });
  })();

  const d = await cluster.add('d');
  await cluster.join(d, a);
  await cluster.meshed();
  await spread(cluster.members);
  await until('all was read since', () => Promise.resolve(rounds > 6));
  isOver = true;
  await Promise.all([...readers, writer]);
  await cluster.settled();
  expect(misses).toEqual([]);
  expect(await copiesOn(cluster.members)).toEqual([copies, copies]);
  for (const member of cluster.members) await readAll(member, (id) => id);
  const counted = await Promise.all(ids.map((id) => d.get<{ count: number }>(`/Reading/${id}`)));
  expect(counted.reduce((sum, record) => sum + (record?.count ?? 0), 0)).toBe(written);
  // Nobody but the new one was given records.
  const after = await Promise.all(three.map(held));
  for (const [index, records] of after.entries())
    for (const id of records.keys()) expect(before[index]?.has(id)).toBe(true);
  const share = (await held(d)).size / (copies * ids.length);
  expect(share).toBeGreaterThan(0.1);
  expect(share).toBeLessThan(0.4);

  // One is lost for good: each record has its copies again.
  await b.kill9();
  const left = cluster.members.filter((member) => member !== b);
  for (const member of left) await readAll(member, (id) => id);
  await a.operation('cluster_remove', { node: 'b' });
  await until('the others know', async () => {
    for (const member of left) if ((await member.status()).peers.some(({ name }) => name === 'b')) return false;
    return true;
  });
  await spread(left);
  expect(await copiesOn(left)).toEqual([copies, copies]);
  for (const member of left) await readAll(member, (id) => id);
});

test('nodes that end while records move go on where they were', async () => {
  await using cluster = await TestCluster.start({ app: 'sharding', threads: 0 }, ['a', 'b', 'c']);
  const [a, , c] = cluster.members as [ClusterMember, ClusterMember, ClusterMember];
  await Promise.all(ids.map((id) => a.write('PUT', `/Reading/${id}`, { text: id, count: 0 })));
  const d = await cluster.add('d');
  await cluster.join(d, a);
  await d.kill9();
  // Records wait for the new member, and can be read meanwhile.
  for (const member of [a, c]) await readAll(member, (id) => id);
  await c.kill9();
  await Promise.all([c.start(), d.start()]);
  await cluster.meshed();
  await spread(cluster.members);
  await cluster.settled();
  expect(await copiesOn(cluster.members)).toEqual([copies, copies]);
  for (const member of cluster.members) await readAll(member, (id) => id);
});
