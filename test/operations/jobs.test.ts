// Loads of records that go on by themselves.

import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { operate } from '../security/callers.ts';
import { startNode, type TestNode } from '../support/start-node.ts';
import { until } from '../support/until.ts';

const home = mkdtempSync(join(tmpdir(), 'zerohop-jobs-'));
let node: TestNode;
const start = (): Promise<TestNode> => startNode({ app: 'operations', threads: 1, data: join(home, 'data') });
beforeAll(async () => {
  node = await start();
}, 20_000);
afterAll(async () => {
  await node[Symbol.asyncDispose]();
  rmSync(home, { recursive: true });
});

async function begin(operation: string, body: object): Promise<string> {
  const said = (await operate(node, { operation, table: 'Dog', ...body })) as { message: string; job_id: string };
  expect(said.message).toBe(`Starting job with id ${said.job_id}`);
  return said.job_id;
}

async function ended(id: string): Promise<Readonly<Record<string, unknown>>> {
  let job: Readonly<Record<string, unknown>> = {};
  await until(`the job ${id} has ended`, async () => {
    [job = {}] = (await operate(node, { operation: 'get_job', id })) as Record<string, unknown>[];
    return job.status !== 'IN_PROGRESS';
  });
  return job;
}

test('CSV, JSON and lines of JSON; one record that is wrong does not stop the others', async () => {
  const csv = await ended(await begin('csv_data_load', { data: 'id,name,age\na1,"Har, per",5\na2,Pen,old\na3,,7\n' }));
  expect(csv).toMatchObject({
    status: 'COMPLETE',
    message: 'successfully loaded 2 of 3 records',
    failed: 1,
    errors: [{ row: 2, error: expect.stringContaining('age') }],
  });
  expect(await operate(node, { operation: 'search_by_id', table: 'Dog', ids: ['a1', 'a3'] })).toEqual([
    { id: 'a1', name: 'Har, per', age: 5 },
    { id: 'a3', age: 7 },
  ]);
  const upserted = { action: 'upsert', data: '{"id":"a1","age":6}\n\n{"id":"a9","age":1}\n' };
  expect(await ended(await begin('ndjson_data_load', upserted))).toMatchObject({ status: 'COMPLETE', written: 2 });
  expect(await ended(await begin('json_data_load', { data: '[{"id":' }))).toMatchObject({ status: 'ERROR' });
  const today = { from_date: '2000-01-01', to_date: '2999-01-01' };
  expect(await operate(node, { operation: 'search_jobs_by_start_date', ...today })).toHaveLength(3);
});

test('a job goes on after the node was killed', async () => {
  const file = join(home, 'many.csv');
  const rows = Array.from({ length: 20_000 }, (_, index) => `k${index},dog ${index},${index % 20}`);
  writeFileSync(file, `id,name,age\n${rows.join('\n')}\n`);
  const id = await begin('csv_file_load', { file_path: file });
  await node.kill9();
  node = await start();
  expect(await ended(id)).toMatchObject({ status: 'COMPLETE', failed: 0 });
  expect(await operate(node, { operation: 'search_by_id', table: 'Dog', ids: ['k0', 'k19999'] })).toHaveLength(2);
  const counted = { operation: 'search_by_value', table: 'Dog', attribute: 'id', value: 'k*', get_attributes: ['id'] };
  expect(await operate(node, counted)).toHaveLength(20_000);
}, 30_000);
