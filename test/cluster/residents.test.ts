// Records whose nodes the application chooses by what is in them: they move when a write changes their place, and are found all the time.

import { expect, setDefaultTimeout, test } from 'bun:test';
import { until } from '../support/until.ts';
import { type ClusterMember, TestCluster } from './cluster.ts';

setDefaultTimeout(90_000);

const shardOf: Readonly<Record<string, string>> = { a: '1', b: '1', c: '2' };

interface Person {
  readonly id: string;
  readonly region: string;
  readonly count: number;
}

function start(): Promise<TestCluster> {
  const settings = (name: string) => ({ REPLICATION_SHARD: shardOf[name] ?? '' });
  return TestCluster.start({ app: 'residents', threads: 1, settings }, ['a', 'b', 'c']);
}

async function held(member: ClusterMember): Promise<readonly Person[]> {
  const response = await fetch(`${member.node.url}/Person/?limit(1000)`, { headers: { 'x-replicate-from': 'none' } });
  return (await response.json()) as Person[];
}

/** Names of the nodes that have a record. */
async function nodesOf(members: readonly ClusterMember[], id: string): Promise<string> {
  let names = '';
  for (const member of members) if ((await held(member)).some((one) => one.id === id)) names += member.name;
  return names;
}

/** Resolves when each record is where it belongs. */
async function settled(members: readonly ClusterMember[]): Promise<void> {
  await until('every record is where it belongs', async () => {
    for (const member of members) {
      const { spread } = await member.status();
      if (spread?.state !== 'settled' || spread.due > 0) return false;
    }
    return true;
  });
}

/** Resolves when a record is on these nodes alone. */
function isOn(members: readonly ClusterMember[], id: string, names: string): Promise<void> {
  return until(`${id} is on ${names}`, async () => (await nodesOf(members, id)) === names);
}

test('records are where what is in them says, and move when that changes', async () => {
  await using cluster = await start();
  const { members } = cluster;
  const [a, b, c] = members as [ClusterMember, ClusterMember, ClusterMember];
  await settled(members);
  const regions: readonly (readonly [region: string, names: string])[] = [
    ['eu', 'ab'],
    ['us', 'c'],
    ['at-a', 'a'],
    ['at-c+b', 'bc'],
  ];
  const people = regions.flatMap(([region, names]) =>
    [0, 1, 2, 3, 4, 5].map((number) => ({ id: `${region}-${number}`, region, names })),
  );
  // Whoever is asked finds at once what was written by it.
  for (const [number, { id, region }] of people.entries()) {
    const member = members[number % 3] as ClusterMember;
    await member.write('PUT', `/Person/${id}`, { region, count: 0 });
    expect(await member.get<Person>(`/Person/${id}`)).toEqual({ id, region, count: 0 });
  }
  await cluster.settled();
  for (const { id, names } of people) expect([id, await nodesOf(members, id)]).toEqual([id, names]);
  for (const member of members) {
    for (const { id, region } of people)
      expect(await member.get<Person>(`/Person/${id}`)).toEqual({ id, region, count: 0 });
    const found = await member.get<Person[]>('/Person/?sort(+id)&limit(100)');
    expect(found?.map(({ id }) => id)).toEqual(people.map(({ id }) => id).toSorted());
    expect(await member.get('/Count/')).toEqual({ recordCount: people.length });
    const refused = await fetch(`${member.node.url}/Person/bad`, { method: 'PUT', body: '{"region":"nowhere"}' });
    expect([refused.status, (await refused.text()).includes('no such region')]).toEqual([500, true]);
  }
  // Conditions are checked where the record is.
  const create = { method: 'PUT', headers: { 'if-none-match': '*' }, body: '{"region":"us"}' };
  for (const member of members) expect((await fetch(`${member.node.url}/Person/eu-0`, create)).status).toBe(412);

  // Ids may be given by the node that is asked.
  for (const member of members) {
    const made = await member.write('POST', '/Person/', { region: 'eu', count: 7 });
    const path = made.headers.get('location') ?? '';
    expect(await member.get<Person>(path)).toMatchObject({ region: 'eu', count: 7 });
    await member.write('DELETE', path);
    expect(await member.get(path)).toBeUndefined();
  }

  // It moves by an update, and by one back, while it is read on all nodes.
  let isOver = false;
  const misses: string[] = [];
  let reads = 0;
  const readAt = async (member: ClusterMember) => {
    const response = await fetch(`${member.node.url}/Person/eu-0`);
    if (response.status !== 200) misses.push(`${member.name}: ${response.status} ${await response.text()}`);
    const all = await fetch(`${member.node.url}/Person/?id=eu-0`);
    const found = (await all.json()) as unknown[];
    if (found.length !== 1) misses.push(`${member.name} finds ${JSON.stringify(found)}`);
  };
  const readers = members.map(async (member) => {
    for (; !isOver; reads++)
      await readAt(member).catch((error: unknown) => void misses.push(`${member.name}: ${String(error)}`));
  });
  for (const [number, [member, region]] of (
    [
      [a, 'us'],
      [c, 'eu'],
    ] as const
  ).entries()) {
    await member.write('PATCH', '/Person/eu-0', { region });
    // Others write meanwhile.
    await Promise.all(members.map((one) => one.write('PATCH', '/Person/eu-0', { count: { $add: 1 } })));
    await until(`all read that it is in ${region}`, async () => {
      const read = await Promise.all(members.map((one) => one.get<Person>('/Person/eu-0')));
      return read.every((person) => Bun.deepEquals(person, { id: 'eu-0', region, count: 3 * (number + 1) }));
    });
    if (region === 'us') await isOn(members, 'eu-0', 'c');
  }
  const enough = reads + 30;
  await until('it was read since', () => reads > enough || misses.length > 0);
  isOver = true;
  await Promise.all(readers);
  expect(misses).toEqual([]);

  // What is deleted stays so, also when it was on its way.
  await a.write('PATCH', '/Person/eu-1', { region: 'us' });
  await b.write('DELETE', '/Person/eu-1');
  await c.write('DELETE', '/Person/us-1');
  await settled(members);
  await cluster.settled();
  for (const member of members)
    for (const id of ['eu-1', 'us-1']) expect(await member.get(`/Person/${id}`)).toBeUndefined();
  await b.write('PUT', '/Person/us-1', { region: 'eu', count: 1 });
  expect(await b.get<Person>('/Person/us-1')).toEqual({ id: 'us-1', region: 'eu', count: 1 });

  // Without a node all of whose records others have, all are found; without those that may have some alone, they are named, and nothing is answered.
  await settled(members);
  const all = await a.get<Person[]>('/Person/?sort(+id)&limit(100)');
  await b.kill9();
  expect(await a.get<Person[]>('/Person/?sort(+id)&limit(100)')).toEqual(all as Person[]);
  expect(await c.get('/Count/')).toEqual({ recordCount: all?.length });
  await b.start();
  await cluster.meshed();
  await c.kill9();
  const unanswered = await fetch(`${a.node.url}/Person/?limit(100)`);
  expect(unanswered.status).toBe(504);
  expect((await unanswered.json()) as object).toMatchObject({ code: 'UNREACHABLE', missing: ['c'] });
  expect((await a.get<Person>('/Person/eu-2'))?.region).toBe('eu');
});

test('nodes that are killed while records move lose none of them', async () => {
  await using cluster = await start();
  const { members } = cluster;
  const [a, b, c] = members as [ClusterMember, ClusterMember, ClusterMember];
  await settled(members);
  const ids = Array.from({ length: 60 }, (_, number) => `p-${number}`);
  await Promise.all(
    ids.map((id, number) => members[number % 3]?.write('PUT', `/Person/${id}`, { region: 'eu', count: 0 })),
  );
  await cluster.settled();
  // Half of them move to a node that ends just now; the nodes they are on end in turn.
  const moved = ids.slice(0, 30);
  await Promise.all(moved.map((id) => a.write('PATCH', `/Person/${id}`, { region: 'us' })));
  await c.kill9();
  await Promise.all(ids.map((id) => b.write('PATCH', `/Person/${id}`, { count: { $add: 1 } }).catch(() => undefined)));
  await a.kill9();
  await c.start();
  await b.kill9();
  await Promise.all([a.start(), b.start()]);
  await cluster.meshed();
  await settled(members);
  await cluster.settled();
  const region = (id: string) => (moved.includes(id) ? 'us' : 'eu');
  for (const member of members)
    for (const id of ids) expect((await member.get<Person>(`/Person/${id}`))?.region).toBe(region(id));
  await until('each is on its nodes alone', async () => {
    const [atA, atB, atC] = await Promise.all([held(a), held(b), held(c)]);
    return [atA, atB].every((records) => records.every(({ region: of }) => of === 'eu')) && atC.length === 30;
  });
});
