// Twelve nodes in six locations around the world, on this machine: every two are joined by a line with the time there and back between their
// locations. All write; one location is cut off and healed. In the end every member must hold what was acknowledged, and all the same.
//
//   npm run wan -- [--seconds 10] [--nodes 12]

import { parseArgs } from 'node:util';
import { until } from '../support/until.ts';
import { type ClusterMember, TestCluster } from './cluster.ts';
import { checkHistory, History } from './history.ts';

const locations = ['london', 'stockholm', 'virginia', 'oregon', 'tokyo', 'sydney'] as const;

/** There and back between two locations, in ms; 1 within one. */
const roundTrips: readonly (readonly number[])[] = [
  [1, 30, 75, 130, 180, 180],
  [30, 1, 105, 150, 180, 180],
  [75, 105, 1, 60, 150, 180],
  [130, 150, 60, 1, 95, 140],
  [180, 180, 150, 95, 1, 100],
  [180, 180, 180, 140, 100, 1],
];

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: { seconds: { type: 'string', default: '10' }, nodes: { type: 'string', default: '12' } },
});
const phaseMs = Number(values.seconds) * 1000;
const names = Array.from({ length: Number(values.nodes) }, (_, index) => {
  const location = locations[index % locations.length] as string;
  return `${location}-${Math.floor(index / locations.length) + 1}`;
});
const locationOf = (name: string): number => locations.findIndex((location) => name.startsWith(location));
const roundTripMs = (one: string, other: string): number => roundTrips[locationOf(one)]?.[locationOf(other)] ?? 1;

await using cluster = await TestCluster.start({ app: 'cluster', roundTripMs }, names);
console.log(`${names.length} nodes are connected, each with each.`);
const [first] = cluster.members;
await first?.write('PUT', '/Note/total', { id: 'total', count: 0 });
await cluster.settled();

for (const to of ['stockholm-1', 'oregon-1', 'sydney-1'])
  console.log(
    `london-1 → ${to}: a write is there after ${await travelMs(cluster.member('london-1'), cluster.member(to))} ms (round trip ${roundTripMs('london', to)} ms)`,
  );

const history = new History();
let isOver = false;
const writers = cluster.members.map((member) => write(member));
await Bun.sleep(phaseMs);
console.log(`${history.acknowledged} writes were acknowledged in ${values.seconds} s.`);
const cut = names.filter((name) => name.startsWith('tokyo'));
cluster.partition(...cut);
await Bun.sleep(phaseMs);
console.log(`${cut.join(' and ')} were cut off for ${values.seconds} s; ${history.acknowledged} writes by now.`);
cluster.partition();
isOver = true;
await Promise.all(writers);
const healedMs = performance.now();
await cluster.meshed();
await cluster.settled();
console.log(`${Math.round(performance.now() - healedMs)} ms after the line was back nobody lacked anything.`);

const healedAt = Date.now();
await until('digests were compared and are equal', digestsAreEqual, 60_000);
console.log('Digests of all tables are equal.');

const states = await Promise.all(
  cluster.members.map(async (member) => (await member.get<Record<string, unknown>[]>('/Note/?limit(1000000)')) ?? []),
);
const wrong = states.flatMap((notes, index) =>
  checkHistory(history, new Map(notes.map((note) => [String(note.id), note]))).map(
    (line) => `${names[index]}: ${line}`,
  ),
);
const texts = new Set(
  states.map((notes) => JSON.stringify(notes.sort((a, b) => (String(a.id) < String(b.id) ? -1 : 1)))),
);
if (texts.size !== 1) wrong.push(`There are ${texts.size} different states.`);
for (const line of wrong) console.error(line);
console.log(wrong.length === 0 ? `All ${names.length} hold the same ${states[0]?.length} records.` : 'FAILED');
process.exitCode = wrong.length === 0 ? 0 : 1;

async function write(member: ClusterMember): Promise<void> {
  for (let round = 0; !isOver; round++) {
    const key = `${member.name.replace('-', '')}-${round}`;
    await history.tried('set', key, key, () => member.write('PUT', `/Note/${key}`, { id: key, by: member.name }));
    await history.tried('counter', 'total', key, () => member.write('POST', '/Count/', { id: 'total' }));
    await Bun.sleep(50);
  }
}

/** Compared with each since it was healed. */
async function digestsAreEqual(): Promise<boolean> {
  const statuses = await Promise.all(cluster.members.map((member) => member.status()));
  return statuses.every(({ peers }) =>
    peers.every(({ databases }) =>
      databases.every(({ equal, comparedAt }) => equal === true && (comparedAt ?? 0) > healedAt),
    ),
  );
}

async function travelMs(from: ClusterMember, to: ClusterMember): Promise<number> {
  const id = `travels-${to.name}`;
  await from.write('PUT', `/Note/${id}`, { id });
  const startedMs = performance.now();
  await until(`${id} arrives`, async () => (await to.get(`/Note/${id}`)) !== undefined);
  return Math.round(performance.now() - startedMs);
}
