import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { parseSdl } from '../schema/index.ts';
import { openTestNode, type TestNodeParts } from './open-test-node.ts';
import type { Sources } from './sources.ts';
import { SpreadTables } from './spread-tables.ts';

const schema = `
  type Item @table(replicateTo: 2) { id: ID @primaryKey, text: String }
  type Whole @table { id: ID @primaryKey }
`;
/** Of a node whose tables have no other sources. */
const none: Sources = { of: () => undefined, add: () => {} };

let node: TestNodeParts;
let spread: SpreadTables;

beforeAll(async () => {
  node = await openTestNode(schema);
  spread = new SpreadTables(none, node.databases);
});
afterAll(() => node.close());

function tableOf(name: string) {
  const table = node.databases.table('data', name);
  if (!table) throw new Error(`There is no ${name}.`);
  return table;
}

async function reside(
  name: string,
  place?: (about: never) => unknown,
  by: 'id' | 'record' = 'id',
): Promise<string | undefined> {
  spread.reside(tableOf(name), place, by);
  await spread.ready();
  return tableOf(name).definition.residency;
}

describe('where records are to be, by code', () => {
  test('is kept with the table, whatever its schema says later, until it is taken back', async () => {
    expect(tableOf('Item').definition.residency).toBeUndefined();
    expect(await reside('Item', (id: string) => id.length)).toBe('(id) => id.length');
    await node.databases.applySchema(parseSdl(schema, 'schema.graphql').tables);
    expect(tableOf('Item').definition.residency).toBe('(id) => id.length');
    expect(await reside('Item', (id: string) => [id])).toBe('(id) => [id]');
    expect(await reside('Item', ({ id }: { id: string }) => id.length, 'record')).toBe('record: ({ id }) => id.length');
    expect(await reside('Item')).toBe('');
    await node.databases.applySchema(parseSdl(schema, 'schema.graphql').tables);
    expect(tableOf('Item').definition.residency).toBe('');
  });

  test('is refused for a table that is on all nodes', async () => {
    await expect(reside('Whole', () => 1)).rejects.toThrow('@table(replicateTo: 2)');
    await expect(reside('Whole', () => 1, 'record')).rejects.toThrow('setResidency of Whole');
  });

  test('is refused where it is no function of the id alone, and changes nothing', async () => {
    await expect(reside('Item', () => node)).rejects.toThrow('what is outside of it');
    expect(tableOf('Item').definition.residency).toBe('');
  });
});
