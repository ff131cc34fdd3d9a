import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { homesOf } from './placement.ts';

const names = fc.uniqueArray(fc.stringMatching(/^[a-z0-9-]{1,12}$/), { minLength: 1, maxLength: 12 });
const copiesWanted = fc.integer({ min: 1, max: 4 });
const keys = fc.string();

describe('the homes of a record', () => {
  test('are as many different nodes as are wanted, or all', () => {
    fc.assert(
      fc.property(keys, names, copiesWanted, (key, nodes, copies) => {
        const homes = homesOf(key, nodes, copies);
        expect(homes.length).toBe(Math.min(copies, nodes.length));
        expect(new Set(homes).size).toBe(homes.length);
        for (const home of homes) expect(nodes).toContain(home);
      }),
    );
  });

  test('do not depend on the order in which nodes are named', () => {
    fc.assert(
      fc.property(keys, names, copiesWanted, (key, nodes, copies) => {
        expect(homesOf(key, nodes.toReversed(), copies)).toEqual(homesOf(key, nodes, copies));
        expect(homesOf(key, [...nodes, ...nodes], copies)).toEqual(homesOf(key, nodes, copies));
      }),
    );
  });

  test('change for a node that comes only where it becomes one of them: it takes the place of one', () => {
    fc.assert(
      fc.property(keys, names, copiesWanted, (key, [comes = '', ...nodes], copies) => {
        const before = homesOf(key, nodes, copies);
        const after = homesOf(key, [...nodes, comes], copies);
        if (!after.includes(comes)) expect(after).toEqual(before);
        else expect(after.filter((home) => home !== comes)).toEqual(before.slice(0, after.length - 1));
      }),
    );
  });

  test('change for a node that goes only where it was one of them: the others stay', () => {
    fc.assert(
      fc.property(keys, names, copiesWanted, (key, [goes = '', ...nodes], copies) => {
        const before = homesOf(key, [goes, ...nodes], copies);
        const after = homesOf(key, nodes, copies);
        const stay = before.filter((home) => home !== goes);
        expect(after.slice(0, stay.length)).toEqual(stay);
        if (!before.includes(goes)) expect(after).toEqual(before);
      }),
    );
  });

  test('are spread evenly', () => {
    const nodes = ['a', 'b', 'c', 'd', 'e'];
    const counts = new Map(nodes.map((node) => [node, 0]));
    const records = 20_000;
    for (let id = 0; id < records; id++)
      for (const home of homesOf(`Item/${id}`, nodes, 2)) counts.set(home, (counts.get(home) ?? 0) + 1);
    const even = (2 * records) / nodes.length;
    for (const count of counts.values()) expect(Math.abs(count - even) / even).toBeLessThan(0.05);
  });

  test('stay the same between versions of the runtime: records would have to move', () => {
    expect(homesOf('Item/1', ['a', 'b', 'c', 'd'], 4)).toMatchInlineSnapshot(`
      [
        "c",
        "b",
        "d",
        "a",
      ]
    `);
  });
});
