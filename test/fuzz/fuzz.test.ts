// A short round of `npm run fuzz`, always the same seeds.

import { afterAll, beforeAll, expect, test } from 'bun:test';
import { fuzzSeed, type Tally, told, troublesOf } from './fuzz.ts';
import { openWorld, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
}, 30_000);
afterAll(() => world?.[Symbol.asyncDispose]());

test('nonsense and attempts at both doors show nobody what is hidden, change nothing, and never fail the node', async () => {
  const before = await world.protectedData();
  const tally: Tally = { found: [], answers: new Map() };
  for (let seed = 1; seed <= 8; seed++) await fuzzSeed(world, seed, tally);
  expect(tally.found.map(told)).toEqual([]);
  expect(await troublesOf(world)).toEqual([]);
  expect(await world.protectedData()).toEqual(before);
  // Not all was refused, at either door.
  for (const key of ['rest 200', 'rest 401', 'rest 403', 'operations 200', 'operations 401', 'operations 403'])
    expect([key, (tally.answers.get(key) ?? 0) > 4]).toEqual([key, true]);
}, 60_000);
