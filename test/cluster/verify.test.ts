// Replicas that were damaged behind the store's back: found record by record, and healed.

import { Database } from 'bun:sqlite';
import { expect, setDefaultTimeout, test } from 'bun:test';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { VerifyReport } from '../../src/cluster/index.ts';
import { launcher } from '../support/start-node.ts';
import { until } from '../support/until.ts';
import { type ClusterMember, TestCluster } from './cluster.ts';

setDefaultTimeout(60_000);

/** Changes a stopped member's file. */
async function damage(member: ClusterMember, ...statements: readonly string[]): Promise<void> {
  const file = join(member.node.folder, 'data.db');
  await member.stop();
  const database = new Database(file);
  // Virtual tables and functions of the store are not needed for these.
  for (const statement of statements) expect(database.run(statement).changes).toBeGreaterThan(0);
  database.close();
  await member.start();
}

async function verify(member: ClusterMember, repair = false): Promise<VerifyReport['differences']> {
  const found: VerifyReport['differences'][number][] = [];
  for (let from: unknown = null; ; ) {
    const report = await member.operation<VerifyReport>('cluster_verify', { repair, from });
    expect(report.unsettled).toBe(0);
    found.push(...report.differences);
    from = report.next;
    if (from === null) return found;
  }
}

test('exactly what was damaged is found and healed', async () => {
  await using cluster = await TestCluster.start({ app: 'cluster' }, ['a', 'b', 'c']);
  const [a, b] = [cluster.member('a'), cluster.member('b')];
  const notes = Array.from({ length: 2_000 }, (_, index) => ({ id: `n${index}`, text: `text ${index}` }));
  await a.operation('insert', { table: 'Note', records: notes });
  await a.write('PUT', '/Note/gone', { id: 'gone' });
  await a.write('DELETE', '/Note/gone');
  await b.write('PUT', '/Ticket/7', { id: 7, by: 'b' });
  await cluster.settled();
  expect(await verify(a)).toEqual([]);
  await damage(
    b,
    `UPDATE Note SET _body = json_set(_body, '$.text', 'damaged') WHERE _id = 'n1234'`,
    `DELETE FROM Note WHERE _id = 'n77'`,
    `UPDATE Ticket SET _version = _version - 1000000, _body = json_set(_body, '$.by', 'old') WHERE _id = 7`,
  );
  await cluster.meshed();
  await cluster.settled();
  expect(await b.get('/Note/n1234')).toMatchObject({ text: 'damaged' });
  const found = await verify(a);
  expect(found.map(({ table, id, peer }) => `${table} ${id} at ${peer}`).sort()).toEqual([
    'Note n1234 at b',
    'Note n77 at b',
    'Ticket 7 at b',
  ]);
  expect(found.find(({ id }) => id === 'n77')?.there).toBe('absent');
  expect(found.every(({ isRepaired }) => !isRepaired)).toBe(true);
  // Seen from the damaged one, each of the others differs from it.
  expect((await verify(b)).map(({ id, peer }) => `${id} at ${peer}`).sort()).toEqual([
    '7 at a',
    '7 at c',
    'n1234 at a',
    'n1234 at c',
    'n77 at a',
    'n77 at c',
  ]);

  const command = Bun.spawn(['node', launcher, 'cluster', 'verify', '--repair', '--data', a.node.folder], {
    env: { PATH: process.env.PATH ?? '', HOME: tmpdir() },
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const [out, error] = await Promise.all([command.stdout.text(), command.stderr.text()]);
  expect(error).toBe('');
  expect(out).toContain('data.Note "n1234"');
  expect(out).toContain('the same version with other contents; repaired');
  expect(out).toMatch(/3 differ, 3 of them are repaired/);
  expect(await command.exited).toBe(0);

  await cluster.settled();
  for (const member of cluster.members) {
    expect(await verify(member)).toEqual([]);
    expect(await member.get('/Note/n1234')).toMatchObject({ text: 'text 1234' });
    expect(await member.get('/Note/n77')).toMatchObject({ text: 'text 77' });
    expect(await member.get('/Ticket/7')).toMatchObject({ by: 'b' });
  }
  const states = await Promise.all(cluster.members.map((member) => member.get('/Note/?limit(10000)&sort(id)')));
  expect(states[1]).toEqual(states[0]);
  expect(states[2]).toEqual(states[0]);
  const healed = Date.now();
  await until('the status says that all is equal', async () => {
    const { peers } = await b.status();
    return peers.every(({ databases }) =>
      databases.every(({ equal, comparedAt }) => equal === true && (comparedAt ?? 0) > healed),
    );
  });
});
