// Deployments to a cluster leave no more behind on each node than the newest need.

import { Database } from 'bun:sqlite';
import { expect, setDefaultTimeout, test } from 'bun:test';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../support/until.ts';
import { type ClusterMember, TestCluster } from './cluster.ts';

setDefaultTimeout(60_000);

const kept = 10;

/** How many records of a system table a node holds. */
function countOn({ node }: ClusterMember, table: string): number {
  using database = new Database(join(node.folder, 'system.db'), { readonly: true });
  database.run('PRAGMA busy_timeout = 10000');
  const [row] = database.query(`SELECT count(*) FROM "${table}" WHERE _body IS NOT NULL`).values();
  return Number(row?.[0]);
}

test('of more than ten deployments, the oldest are forgotten on every node', async () => {
  await using cluster = await TestCluster.start({ app: 'cluster' }, ['a', 'b']);
  const [a, b] = [cluster.member('a'), cluster.member('b')];
  const app = join(cluster.folder, 'app');
  mkdirSync(app);
  writeFileSync(join(app, 'config.yaml'), 'rest: true\n');
  const deploy = (by: ClusterMember) => by.operation('deploy_component', { package: app, replicated: true });
  for (let i = 0; i < kept; i++) await deploy(a);
  expect(countOn(a, 'hdb_deployment')).toBe(kept);
  for (const by of [b, a, b]) await deploy(by);
  await cluster.settled();
  await until('both have forgotten the oldest', () =>
    [a, b].every(
      (member) => countOn(member, 'hdb_deployment') === kept && countOn(member, 'hdb_deployment_node') <= 2 * kept + 2,
    ),
  );
});
