// Operations on the node itself.

import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { operate } from '../security/callers.ts';
import { startNode, type TestNode } from '../support/start-node.ts';

let home: string;
let file: string;
let node: TestNode;
const start = (): Promise<TestNode> =>
  startNode({ app: 'operations', threads: 1, data: join(home, 'data'), settings: { CONFIG: file } });

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'zerohop-system-'));
  file = join(home, 'zerohop.yaml');
  writeFileSync(file, '# kept\nlimits:\n  bodyBytes: 1000000 # small\n');
  node = await start();
}, 20_000);
afterAll(async () => {
  await node[Symbol.asyncDispose]();
  rmSync(home, { recursive: true });
});

test('configuration is set in the file, and counts after a restart', async () => {
  const limit = async () => ((await operate(node, { operation: 'get_configuration' })) as Limits).limits.bodyBytes;
  expect(await limit()).toBe(1_000_000);
  const said = await operate(node, { operation: 'set_configuration', limits_bodyBytes: 2_000_000 });
  expect(said).toMatchObject({ message: expect.stringContaining('You must restart'), changed: ['limits.bodyBytes'] });
  expect(readFileSync(file, 'utf8')).toBe('# kept\nlimits:\n  bodyBytes: 2000000 # small\n');
  expect(await limit()).toBe(1_000_000);
  await expect(operate(node, { operation: 'set_configuration', http_port: 'door' })).rejects.toThrow('400');
  await node.stop();
  node = await start();
  expect(await limit()).toBe(2_000_000);
}, 20_000);

interface Limits {
  readonly limits: { readonly bodyBytes: number };
}

test('what it runs on', async () => {
  const said = await operate(node, { operation: 'system_information', attributes: ['memory', 'system'] });
  expect(said).toMatchObject({ system: { bun: Bun.version }, memory: { total: expect.any(Number) } });
  const all = (await operate(node, { operation: 'system_information' })) as { table_size: object[] };
  expect(all.table_size).toContainEqual(expect.objectContaining({ database: 'data', table: 'Dog' }));
  await expect(operate(node, { operation: 'system_information', attributes: ['soul'] })).rejects.toThrow('400');
});

test('the audit log tells what happened to which record, newest last', async () => {
  const table = { table: 'Dog' };
  await operate(node, {
    operation: 'insert',
    ...table,
    records: [
      { id: '1', age: 5 },
      { id: '2', age: 1 },
    ],
  });
  await operate(node, { operation: 'update', ...table, records: [{ id: '1', age: 6 }] });
  await operate(node, { operation: 'delete', ...table, ids: ['2'] });
  const read = (more: object) => operate(node, { operation: 'read_audit_log', ...table, ...more }) as Promise<Entry[]>;
  const short = ({ operation, hash_values }: Entry) => `${operation} ${hash_values}`;
  const all = await read({});
  expect(all.map(short)).toEqual(['put 1', 'put 2', 'patch 1', 'delete 2']);
  expect((await read({ search_type: 'hash_value', search_values: ['1'] })).map(short)).toEqual(['put 1', 'patch 1']);
  const from = all[2]?.timestamp;
  expect((await read({ search_type: 'timestamp', search_values: [from] })).map(short)).toEqual(['patch 1', 'delete 2']);
});

interface Entry {
  readonly operation: string;
  readonly hash_values: readonly unknown[];
  readonly timestamp: number;
}
