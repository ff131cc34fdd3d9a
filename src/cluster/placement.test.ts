import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  checkResidence,
  type Epoch,
  epochText,
  everything,
  homesOf,
  isHome,
  leaving,
  Placement,
  readEpoch,
} from './placement.ts';

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

describe('the homes of a record whose nodes are chosen', () => {
  const name = 'data.Item';
  const epoch: Epoch = {
    nodes: ['n1', 'n2', 'n3', 'n4'],
    tables: { [name]: 2, 'data.Other': 1 },
    chosen: {
      functions: {
        [name]: `(id) => {
          if (id === 'fails') throw new Error('no');
          if (id.startsWith('at-')) return id.slice(3).split('+');
          return id === 'any' ? undefined : Number(id.split('-')[0]);
        }`,
      },
      shards: { n1: 1, n2: 1, n3: 1, n4: 2 },
      names: { n1: 'a', n2: 'b', n3: 'c', n4: 'd' },
    },
  };
  const homes = (id: string, table = name, of = epoch) => of.nodes.filter((node) => isHome(of, node, table, id));
  const unchosen: Epoch = { nodes: epoch.nodes, tables: epoch.tables };

  test.each<[id: string, expected: readonly string[]]>([
    ['2-x', ['n4']],
    ['at-b', ['n2']],
    ['at-a+c+d', ['n1', 'n3', 'n4']],
    ['at-a+gone', ['n1']],
  ])('%s', (id, expected) => {
    expect(homes(id)).toEqual([...expected]);
  });

  test('are as many of the shard as there are to be copies', () => {
    for (const id of ['1-a', '1-b', '1-c', '1-d']) {
      expect(homes(id)).toEqual(homesOf(`${name}/${id}`, ['n1', 'n2', 'n3'], 2).toSorted());
    }
  });

  test.each(['any', 'fails', '3-x', 'at-gone', 'x'])('are any where none is named: %s', (id) => {
    expect(homes(id)).toEqual(homes(id, name, unchosen));
  });

  test('are no others for tables beside', () => {
    expect(homes('2-x', 'data.Other')).toEqual(homes('2-x', 'data.Other', unchosen));
  });

  test('are the same after being told', () => {
    const text = epochText(epoch);
    const told = readEpoch(text);
    if (!told) throw new Error(text);
    for (const id of ['1-a', '2-x', 'at-a+c', 'any']) expect(homes(id, name, told)).toEqual(homes(id));
    expect(epochText(told)).toBe(text);
  });

  test('an id for which the code fails is named', () => {
    expect(() => checkResidence(epoch, name, 'fails')).toThrow('"fails"');
    checkResidence(epoch, 'data.Other', 'fails');
  });
});

describe('the homes of a record whose nodes are chosen by what is in it', () => {
  const name = 'data.Item';
  const current: Epoch = {
    nodes: ['n1', 'n2', 'n3', 'n4'],
    tables: { [name]: 2 },
    chosen: {
      functions: { [name]: 'record: ({ at }) => at' },
      shards: { n1: 1, n2: 1, n3: 1, n4: 2 },
      names: { n1: 'a', n2: 'b', n3: 'c', n4: 'd' },
    },
  };
  const told = new Map<string | number, number | readonly string[]>([
    ['x', 2],
    ['y', ['a', 'c']],
  ]);
  const members = current.nodes.map((id) => ({ id, holds: [epochText(current)] }));
  const placement = new Placement({ node: 'n1', members, current, placeOf: (_, id) => told.get(id) });

  test('follow from what was said of it, and else from its id', () => {
    expect(placement.homes(name, 'x')).toEqual(['n4']);
    expect(placement.answering('data', 'Item', 'y')).toEqual(['n1', 'n3']);
    expect(placement.homes(name, 'z')).toEqual(homesOf(`${name}/z`, current.nodes, 2));
    expect(placement.homes(name, 'z', () => 2)).toEqual(['n4']);
    expect([placement.isByRecord('data', 'Item'), placement.isByRecord('data', 'Other')]).toEqual([true, false]);
    expect(placement.tablesByRecord).toEqual([name]);
    expect(placement.placeFor(name, { at: 7 })).toBe(7);
    expect(() => placement.placeFor(name, null)).toThrow('setResidency of data.Item');
  });

  test.each<[place: number | readonly string[] | undefined, without: readonly string[], isHad: boolean]>([
    [1, ['n1'], true],
    [1, ['n1', 'n2'], false],
    [1, ['n1', 'n4'], true],
    [2, ['n4'], false],
    [2, ['n1', 'n2', 'n3'], true],
    [['a', 'c'], ['n1'], true],
    [['a', 'c'], ['n1', 'n3'], false],
    [undefined, ['n4'], true],
    [undefined, ['n1', 'n4'], false],
    [3, ['n1', 'n4'], false],
  ])('those at %j without %j are all to be had: %j', (place, without, isHad) => {
    expect(placement.isHadWithout(name, place, without)).toBe(isHad);
  });
});

describe('each record is counted once', () => {
  const table = 'data.Item';
  const nodes = ['a', 'b', 'c', 'd'];
  test('by one of the nodes asked, whichever of them cover the table', () => {
    fc.assert(
      fc.property(
        keys,
        fc.integer({ min: 1, max: 4 }),
        fc.shuffledSubarray(nodes, { minLength: 4 }),
        (id, copies, order) => {
          const current: Epoch = { nodes, tables: { [table]: copies } };
          const members = nodes.map((node) => ({ id: node, holds: [epochText(current)] }));
          const views = nodes.map((node) => new Placement({ node, members, current }));
          const enough = views[0]?.covering(table).enough ?? 0;
          const among = order.slice(0, enough);
          const counted = new Set(views.map((view) => view.counting('data', 'Item', id, among)));
          expect(counted.size).toBe(1);
          expect(among).toContain([...counted][0] ?? '');
          expect(new Set(views.map(({ view }) => view)).size).toBe(1);
        },
      ),
    );
  });
});

describe('placement while members change', () => {
  const nodes = ['a', 'b', 'c', 'd', 'e'];
  const table = 'data.Item';
  const anyEpoch = fc
    .record({ nodes: fc.subarray(nodes, { minLength: 1 }), copies: fc.integer({ min: 1, max: 4 }) })
    .map(({ nodes, copies }): Epoch => ({ nodes, tables: { [table]: copies } }));
  const anyMembers = fc.tuple(anyEpoch, anyEpoch).chain(([before, current]) => {
    const texts = [epochText(before), epochText(current), leaving + epochText(before), everything];
    const holds = fc.option(fc.subarray(texts), { nil: undefined });
    return fc.tuple(...nodes.map(() => holds)).map((held) => ({
      current,
      members: nodes.map((id, index) => ({ id, holds: held[index] })),
    }));
  });

  test('an epoch is one text, however it is written, and comes back', () => {
    expect(epochText({ nodes: ['b', 'a', 'b'], tables: { 'd.B': 1, 'd.A': 2 } })).toBe(
      '{"nodes":["a","b"],"tables":{"d.A":2,"d.B":1}}',
    );
    fc.assert(
      fc.property(anyEpoch, (epoch) => {
        expect(readEpoch(epochText(epoch))).toEqual(readEpoch(leaving + epochText(epoch)));
        expect(epochText(readEpoch(epochText(epoch)) ?? epoch)).toBe(epochText(epoch));
      }),
    );
    expect(readEpoch(everything)).toBeUndefined();
  });

  test('who answers for a record is to have it, and so is each home to be; homes come first', () => {
    fc.assert(
      fc.property(anyMembers, fc.constantFrom(...nodes), keys, ({ current, members }, node, id) => {
        const placement = new Placement({ node, members, current });
        const answering = placement.answering('data', 'Item', id);
        for (const one of answering) expect(placement.wants(one, 'data', 'Item', id)).toBe(true);
        for (const one of current.nodes)
          if (isHome(current, one, table, id)) expect(placement.wants(one, 'data', 'Item', id)).toBe(true);
        const areHomes = answering.map((one) => isHome(current, one, table, id));
        expect(areHomes.toSorted((a, b) => Number(b) - Number(a))).toEqual(areHomes);
        for (const { id: one, holds } of members)
          if (!holds?.some((text) => text.startsWith('{'))) expect(answering).not.toContain(one);
      }),
    );
  });

  test('when all hold the current epoch alone, its homes have a record and nobody else', () => {
    fc.assert(
      fc.property(anyEpoch, keys, (current, id) => {
        const members = nodes.map((one) => ({
          id: one,
          holds: current.nodes.includes(one) ? [epochText(current)] : [],
        }));
        const placement = new Placement({ node: 'a', members, current });
        const homes = nodes.filter((one) => isHome(current, one, table, id));
        expect(placement.answering('data', 'Item', id).toSorted()).toEqual(homes);
        expect(nodes.filter((one) => placement.wants(one, 'data', 'Item', id))).toEqual(homes);
        const { from, enough } = placement.covering(table);
        expect(from.length - enough).toBeLessThan(homes.length);
      }),
    );
  });

  test('a table of which every node has all is left alone', () => {
    const current = { nodes, tables: { [table]: 1 } };
    const placement = new Placement({ node: 'a', members: [{ id: 'a', holds: [epochText(current)] }], current });
    expect(nodes.every((one) => placement.wants(one, 'data', 'Other', 1))).toBe(true);
    expect([placement.isSpread('data'), placement.isSpread('data', 'Other'), placement.isSpread('other')]).toEqual([
      true,
      false,
      false,
    ]);
  });
});
