// Members that are killed, cut off and set back while everybody writes: in the end all hold the same, every write that was acknowledged is
// in it, and counters are exact.

import { expect, setDefaultTimeout, test } from 'bun:test';
import { type ClusterMember, TestCluster } from './cluster.ts';
import { checkHistory, History } from './history.ts';

setDefaultTimeout(120_000);

/** Writes of all kinds at a member until told to stop; what was acknowledged, and what may or may not have happened, goes into the history. */
async function writeAt(member: ClusterMember, history: History, isOver: () => boolean): Promise<void> {
  for (let round = 0; !isOver(); round++) {
    const key = `${member.name}-${round}`;
    await history.tried('register', `r${round % 5}`, key, () =>
      member.write('PATCH', `/Note/r${round % 5}`, { [`by_${member.name}`]: round }),
    );
    await history.tried('set', key, key, () => member.write('PUT', `/Note/${key}`, { id: key, by: member.name }));
    await history.tried('counter', 'total', key, () => member.write('POST', '/Count/', { id: 'total' }));
    // Where the member is not there, it says so at once: others are to have their turn.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function endsEqual(cluster: TestCluster, history: History): Promise<void> {
  await cluster.settled();
  const notes = await Promise.all(
    cluster.members.map(async (member) => {
      const all = (await member.get<Record<string, unknown>[]>('/Note/?limit(100000)')) ?? [];
      return new Map(all.map((note) => [String(note.id), note]));
    }),
  );
  for (const found of notes) expect(checkHistory(history, found)).toEqual([]);
  for (const found of notes.slice(1)) expect(found).toEqual(notes[0] as (typeof notes)[0]);
}

async function prepare(cluster: TestCluster): Promise<void> {
  const [first] = cluster.members;
  await first?.write('PUT', '/Note/total', { id: 'total', count: 0 });
  for (let register = 0; register < 5; register++)
    await first?.write('PUT', `/Note/r${register}`, { id: `r${register}` });
  await cluster.settled();
}

test('three members, killed one after the other under load', async () => {
  await using cluster = await TestCluster.start({ app: 'cluster' }, ['a', 'b', 'c']);
  await prepare(cluster);
  const history = new History();
  let isOver = false;
  const writers = cluster.members.map((member) => writeAt(member, history, () => isOver));
  for (const name of ['b', 'c', 'a']) {
    await history.reaches(history.acknowledged + 30);
    await cluster.member(name).kill9();
    await history.reaches(history.acknowledged + 30);
    await cluster.member(name).start();
  }
  isOver = true;
  await Promise.all(writers);
  await cluster.meshed();
  await endsEqual(cluster, history);
});

/** There and back between three locations, in ms. */
const roundTrips: readonly (readonly number[])[] = [
  [1, 40, 120],
  [40, 1, 90],
  [120, 90, 1],
];

test('six members in three locations, one of which is cut off under load', async () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f'];
  const locationOf = (name: string) => Math.floor(names.indexOf(name) / 2);
  const roundTripMs = (one: string, other: string) => roundTrips[locationOf(one)]?.[locationOf(other)] ?? 1;
  await using cluster = await TestCluster.start({ app: 'cluster', roundTripMs }, names);
  await prepare(cluster);
  const history = new History();
  let isOver = false;
  const writers = cluster.members.map((member) => writeAt(member, history, () => isOver));
  await history.reaches(100);
  cluster.partition('a', 'b');
  await history.reaches(history.acknowledged + 200);
  // Both sides went on: neither has what the other wrote.
  const [a, f] = await Promise.all(
    ['a', 'f'].map((name) => cluster.member(name).get<readonly { readonly id: string }[]>('/Note/?limit(100000)')),
  );
  const idsOf = (records: typeof a) => (records ?? []).map(({ id }) => id).toSorted();
  expect(idsOf(a)).not.toEqual(idsOf(f));
  cluster.partition();
  isOver = true;
  await Promise.all(writers);
  await cluster.meshed();
  await endsEqual(cluster, history);
});
