// `npm run fuzz -- --minutes 10 [--seed S] [--seeds N]`: seeds one after the other until the time is over, or so many. Prints each failing
// request with its seed, and at the end what was answered.

import { parseArgs } from 'node:util';
import { fuzzSeed, memoryOf, requestsPerSeed, type Tally, told, troublesOf } from './fuzz.ts';
import { openWorld } from './world.ts';

/** Seeds before memory is first looked at: caches and pools are full then. */
const warmSeeds = 100;
/** What collectors of garbage and the allocator may hold on to. */
const largestGrowth = 150_000_000;

/** Seeds after which it is told how much memory the node has: whether it goes on growing. */
const tellEvery = 500;

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '1' }, seed: { type: 'string' }, seeds: { type: 'string' } },
});
const first = Number(values.seed ?? Math.floor(Math.random() * 2 ** 30));
const most = Number(values.seeds ?? Number.MAX_SAFE_INTEGER);
const endMs = performance.now() + Number(values.minutes) * 60_000;
console.log(`From seed ${first}, ${requestsPerSeed} requests each.`);
await using world = await openWorld();
const before = await world.protectedData();
const tally: Tally = { found: [], answers: new Map() };
let warm = 0;
let seeds = 0;
while (seeds < most && performance.now() < endMs) {
  const known = tally.found.length;
  await fuzzSeed(world, first + seeds, tally);
  for (const found of tally.found.slice(known)) console.log(told(found));
  seeds++;
  if (seeds === warmSeeds) warm = await memoryOf(world);
  if (seeds % tellEvery === 0)
    console.log(`${seeds * requestsPerSeed} requests, ${((await memoryOf(world)) / 1e6).toFixed(0)} MB`);
}
const problems = await troublesOf(world);
if (!Bun.deepEquals(before, await world.protectedData()))
  problems.push('Something was changed that nobody may change.');
const grown = warm === 0 ? 0 : (await memoryOf(world)) - warm;
if (grown > largestGrowth)
  problems.push(`The node has ${(grown / 1e6).toFixed(0)} MB more memory than after ${warmSeeds} seeds.`);
for (const problem of problems) console.log(problem);
console.log(Object.fromEntries([...tally.answers].sort()));
console.log(
  `${seeds * requestsPerSeed} requests, ${tally.found.length + problems.length} failures, memory ${grown >= 0 ? '+' : ''}${(grown / 1e6).toFixed(0)} MB after the first ${warmSeeds} seeds.`,
);
process.exitCode = tally.found.length + problems.length === 0 ? 0 : 1;
