// Records that leave the node and come back: files, buckets, backups of one database; and old ones that are deleted.

import { Database } from 'bun:sqlite';
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { operate } from '../security/callers.ts';
import { type S3Server, serveS3 } from '../support/s3-server.ts';
import { startNode, type TestNode } from '../support/start-node.ts';
import { until } from '../support/until.ts';

const home = mkdtempSync(join(tmpdir(), 'zerohop-export-'));
const key = { aws_access_key_id: 'WHO', aws_secret_access_key: 'a/secret+key' };
let node: TestNode;
let store: S3Server;

const start = (): Promise<TestNode> => startNode({ app: 'operations', threads: 1, data: join(home, 'data') });
beforeAll(async () => {
  store = serveS3(key.aws_access_key_id, key.aws_secret_access_key);
  node = await start();
  await ask('insert', {
    table: 'Dog',
    records: [
      { id: '1', name: 'Har, "per"', owner: 'ann', age: 5 },
      { id: '2', name: 'Penny', age: 7 },
      { id: '3', name: 'Pepper', owner: 'bob' },
    ],
  });
}, 20_000);
afterAll(async () => {
  store[Symbol.dispose]();
  await node[Symbol.asyncDispose]();
  rmSync(home, { recursive: true });
});

const ask = (operation: string, body: object = {}): Promise<unknown> => operate(node, { operation, ...body });
const refused = (operation: string, body: object = {}): Promise<string> =>
  ask(operation, body).then(
    (answer) => `answered ${JSON.stringify(answer)}`,
    (error: Error) => error.message,
  );

type Job = Readonly<Record<string, unknown>>;

/** The job as it ended. */
async function done(operation: string, body: object): Promise<Job> {
  const { job_id: id } = (await ask(operation, body)) as { job_id: string };
  let job: Job = {};
  await until(`the job ${operation} has ended`, async () => {
    [job = {}] = (await ask('get_job', { id })) as Job[];
    return job.status !== 'IN_PROGRESS';
  });
  return job;
}

const all = { operation: 'search_by_value', table: 'Dog', attribute: 'id', value: '*' };
const bucket = (name: string) => ({ ...key, bucket: 'b', key: name, region: 'eu-1', endpoint: store.endpoint });

test('a search is exported to a file, as JSON and as CSV', async () => {
  const json = await done('export_local', { format: 'json', path: home, filename: 'dogs.json', search_operation: all });
  expect(json).toMatchObject({
    status: 'COMPLETE',
    message: `successfully exported 3 records to ${join(home, 'dogs.json')}`,
  });
  expect(JSON.parse(readFileSync(join(home, 'dogs.json'), 'utf8'))).toMatchObject([
    { id: '1' },
    { id: '2' },
    { id: '3' },
  ]);
  const byName = { ...all, get_attributes: ['id', 'name', 'age', 'owner'] };
  await done('export_local', { format: 'csv', path: home, filename: 'dogs.csv', search_operation: byName });
  expect(readFileSync(join(home, 'dogs.csv'), 'utf8')).toBe(
    'id,name,age,owner\n1,"Har, ""per""",5,ann\n2,Penny,7,\n3,Pepper,,bob\n',
  );
  const sql = { operation: 'sql', sql: 'SELECT owner, count(*) AS n FROM Dog GROUP BY owner ORDER BY 1' };
  await done('export_local', { format: 'csv', path: home, filename: 'owners.csv', search_operation: sql });
  expect(readFileSync(join(home, 'owners.csv'), 'utf8')).toBe('owner,n\n,1\nann,1\nbob,1\n');
  await done('export_local', {
    format: 'json',
    path: home,
    filename: 'none.json',
    search_operation: { ...all, value: 'x' },
  });
  expect(JSON.parse(readFileSync(join(home, 'none.json'), 'utf8'))).toEqual([]);
});

test('what cannot be exported leaves nothing', async () => {
  const before = readdirSync(home);
  const job = await done('export_local', {
    format: 'csv',
    path: home,
    filename: 'x.csv',
    search_operation: { operation: 'sql', sql: 'SELECT nope' },
  });
  expect(job).toMatchObject({ status: 'ERROR', message: expect.stringContaining('no such column: nope') });
  expect(await done('export_local', { format: 'csv', path: join(home, 'none'), search_operation: all })).toMatchObject({
    status: 'ERROR',
    message: expect.stringContaining('There is no folder'),
  });
  expect(readdirSync(home)).toEqual(before);
  for (const wrong of [
    { format: 'xml', path: home, search_operation: all },
    { format: 'csv', path: home, filename: '../x', search_operation: all },
    { format: 'csv', search_operation: all },
    { format: 'csv', path: home, search_operation: { operation: 'delete' } },
    { format: 'csv', path: home },
  ])
    expect([wrong, await refused('export_local', wrong)]).toEqual([wrong, expect.stringContaining('400')]);
});

test('records go to a bucket, and come from one', async () => {
  const exported = await done('export_to_s3', { format: 'json', s3: bucket('dogs.json'), search_operation: all });
  expect(exported).toMatchObject({ status: 'COMPLETE', written: 3 });
  expect(JSON.stringify(exported)).not.toContain(key.aws_secret_access_key);
  expect(JSON.parse(Buffer.from(store.objects.get('b/dogs.json') ?? []).toString())).toHaveLength(3);
  store.objects.set('b/in/more.csv', Buffer.from('id,name,age\n10,Max,3\n11,Mia,old\n'));
  const loaded = await done('import_from_s3', { table: 'Dog', action: 'upsert', s3: bucket('in/more.csv') });
  expect(loaded).toMatchObject({ status: 'COMPLETE', written: 1, failed: 1, errors: [{ row: 2 }] });
  store.objects.set('b/more.json', Buffer.from('[{"id":"12","name":"Ben"}]'));
  await done('import_from_s3', { table: 'Dog', s3: bucket('more.json') });
  expect(await ask('search_by_id', { table: 'Dog', ids: ['10', '12'], get_attributes: ['name'] })).toEqual([
    { name: 'Max' },
    { name: 'Ben' },
  ]);
  const wrong = { ...bucket('more.json'), aws_secret_access_key: 'wrong' };
  expect(await done('import_from_s3', { table: 'Dog', s3: wrong })).toMatchObject({ status: 'ERROR' });
  expect(await done('import_from_s3', { table: 'Dog', s3: bucket('none.json') })).toMatchObject({ status: 'ERROR' });
  expect(await refused('import_from_s3', { table: 'Dog', s3: bucket('x.exe') })).toContain('neither in .csv');
  expect(await refused('import_from_s3', { table: 'Dog' })).toContain('is an object');
  expect(
    await refused('export_to_s3', {
      format: 'csv',
      search_operation: all,
      s3: { bucket: 'b', key: 'x', aws_access_key_id: 'x' },
    }),
  ).toContain('or neither');
});

test('what is large goes to a bucket in parts', async () => {
  const records = Array.from({ length: 60 }, (_, index) => ({ id: `big${index}`, name: 'x'.repeat(200_000) }));
  await ask('insert', { table: 'Dog', records });
  const search = { operation: 'search_by_value', table: 'Dog', attribute: 'id', value: 'big*' };
  expect(
    await done('export_to_s3', { format: 'json', s3: bucket('big.json'), search_operation: search }),
  ).toMatchObject({ status: 'COMPLETE', written: 60 });
  expect(store.inParts).toContain('b/big.json');
  expect(JSON.parse(Buffer.from(store.objects.get('b/big.json') ?? []).toString())).toHaveLength(60);
  await ask('sql', { sql: "DELETE FROM Dog WHERE id LIKE 'big%'" });
}, 20_000);

test('credentials are not on disk: a job with them that a restart broke off says so', async () => {
  const columns = Array.from({ length: 20_000 }, (_, index) => `${index},dog`);
  store.objects.set('b/long.csv', Buffer.from(`id,name\n${columns.join('\n')}\n`));
  await ask('import_from_s3', { table: 'Dog', action: 'upsert', s3: bucket('long.csv') });
  await node.kill9();
  for (const name of readdirSync(join(home, 'data')).filter((one) => one.startsWith('system.db')))
    expect(readFileSync(join(home, 'data', name)).includes(key.aws_secret_access_key)).toBe(false);
  node = await start();
  const today = { from_date: '2000-01-01', to_date: '2999-01-01' };
  await until('it has ended', async () => {
    const jobs = (await ask('search_jobs_by_start_date', today)) as Job[];
    return jobs.at(-1)?.status === 'ERROR' && String(jobs.at(-1)?.message).includes('credentials are not kept');
  });
}, 20_000);

test('records made before a day are deleted', async () => {
  await ask('create_table', { table: 'Note', primary_key: 'id' });
  await ask('insert', { table: 'Note', records: Array.from({ length: 1200 }, (_, index) => ({ id: `${index}` })) });
  const at = (job: Job) => [job.status, job.message];
  const before = { table: 'Note', date: '2020-01-01' };
  expect(at(await done('delete_records_before', before))).toEqual(['COMPLETE', '0 records successfully deleted']);
  const after = { table: 'Note', date: Date.now() + 60_000 };
  expect(at(await done('delete_records_before', after))).toEqual(['COMPLETE', '1200 records successfully deleted']);
  expect(await ask('search_by_value', { table: 'Note', attribute: 'id', value: '*' })).toEqual([]);
  expect(await refused('delete_records_before', { table: 'Dog', date: '2020-01-01' })).toContain('@createdTime');
  expect(await refused('delete_records_before', { table: 'Note', date: 'soon' })).toContain('400');
});

test('get_backup gives the file of a database as it is now', async () => {
  await ask('upsert', { table: 'Dog', records: [{ id: 'last', name: 'newest' }] });
  const fetched = async (body: object) =>
    fetch(node.operationsUrl, { method: 'POST', body: JSON.stringify({ operation: 'get_backup', ...body }) });
  for (const gzip of [true, false]) {
    const response = await fetched({ database: 'data', gzip });
    expect(response.headers.get('content-disposition')).toContain(gzip ? 'data.db.gz' : 'data.db');
    const bytes = Buffer.from(await response.arrayBuffer());
    const path = join(home, `copy-${gzip}.db`);
    writeFileSync(path, gzip ? gunzipSync(bytes) : bytes);
    const copy = new Database(path);
    expect(copy.query('PRAGMA integrity_check').values()).toEqual([['ok']]);
    expect(copy.query("SELECT name FROM Dog WHERE _id = 'last'").values()).toEqual([['newest']]);
    copy.close();
  }
  expect((await fetched({ database: 'none' })).status).toBe(404);
  expect((await fetched({ database: '../data' })).status).toBe(404);
  expect((await fetched({ database: 'system' })).status).toBe(403);
});

test('the log of changes between two moments', async () => {
  await ask('create_table', { table: 'Entry', primary_key: 'id' });
  await ask('insert', { table: 'Entry', records: [{ id: 'a' }, { id: 'b' }] });
  const read = (more: object) => ask('read_transaction_log', { table: 'Entry', ...more }) as Promise<Job[]>;
  const all = await read({});
  expect(all.map(({ operation, hash_values }) => `${operation} ${hash_values}`)).toEqual(['put a', 'put b']);
  expect(await read({ from: Date.now() + 60_000 })).toEqual([]);
  expect(await read({ to: '2020-01-01' })).toEqual([]);
});
