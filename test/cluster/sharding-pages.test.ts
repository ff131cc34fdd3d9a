// Pages, totals and counts of a table of which each node holds a part.

import { expect, setDefaultTimeout, test } from 'bun:test';
import { until } from '../support/until.ts';
import { type ClusterMember, TestCluster } from './cluster.ts';

setDefaultTimeout(60_000);

const ids = Array.from({ length: 61 }, (_, number) => `item-${number}`);

interface Page {
  readonly ids: readonly string[];
  readonly next: string | null;
  readonly total: string | null;
}

async function pageOf(member: ClusterMember, query: string, cursor: string): Promise<Page> {
  const response = await fetch(`${member.node.url}/Reading/?${query}&cursor(${cursor})`);
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  const records = (await response.json()) as { readonly id: string }[];
  const { headers } = response;
  return { ids: records.map(({ id }) => id), next: headers.get('x-next-cursor'), total: headers.get('x-total-count') };
}

/** All pages, each of them from the next member, from `cursor` on. */
async function walk(members: readonly ClusterMember[], query: string, cursor = ''): Promise<string[]> {
  const found: string[] = [];
  let next: string | null = cursor;
  for (let page = 0; next !== null; page++) {
    const member: ClusterMember = members[page % members.length] as ClusterMember;
    const read: Page = await pageOf(member, query, next);
    found.push(...read.ids);
    next = read.next;
  }
  return found;
}

test('pages go on at any node where the last one ended, totals count each record once, also when a node has ended', async () => {
  await using cluster = await TestCluster.start({ app: 'sharding', threads: 1 }, ['a', 'b', 'c']);
  const { members } = cluster;
  const [a, b, c] = members as [ClusterMember, ClusterMember, ClusterMember];
  await Promise.all(
    ids.map((id, number) => members[number % 3]?.write('PUT', `/Reading/${id}`, { text: `t${number % 5}`, count: 1 })),
  );
  await until('every record is where it belongs', async () => {
    for (const member of members) if ((await member.status()).spread?.state !== 'settled') return false;
    return true;
  });
  await cluster.settled();

  const sorted = ids.toSorted();
  const ofText = (text: string) => ids.filter((_, number) => `t${number % 5}` === text);
  const byText = (one: string, other: string) => textOf(other).localeCompare(textOf(one));
  const textOf = (id: string) => `t${Number(id.slice(5)) % 5}`;
  const table: [query: string, expected: readonly string[]][] = [
    ['sort(+id)&limit(7)', sorted],
    ['sort(-id)&limit(20)', sorted.toReversed()],
    ['limit(9)&sort(-text)', sorted.toReversed().toSorted(byText)],
    ['text=t3&sort(+id)&limit(4)', ofText('t3').toSorted()],
    ['limit(61)', sorted],
    ['text=nothing&limit(3)', []],
  ];
  for (const [query, expected] of table) {
    expect<unknown>([query, await walk(members, query)]).toEqual([query, expected]);
    for (const member of members)
      expect([query, (await pageOf(member, `${query}&total()`, '')).total]).toEqual([query, `${expected.length}`]);
  }
  const counts = async (member: ClusterMember) => member.get<{ recordCount: number }>('/Count/');
  for (const member of members) expect(await counts(member)).toEqual({ recordCount: ids.length });
  await a.write('DELETE', `/Reading/${sorted[3]}`);
  await cluster.settled();
  const left = sorted.toSpliced(3, 1);
  for (const member of members) expect(await counts(member)).toEqual({ recordCount: left.length });

  // Between two pages a node ends: what it held is on others, too.
  const first = await pageOf(a, 'sort(+id)&limit(7)', '');
  await c.kill9();
  expect([...first.ids, ...(await walk([b, a], 'sort(+id)&limit(7)', first.next ?? ''))]).toEqual(left);
  expect(await counts(b)).toEqual({ recordCount: left.length });
  // One more, and there is nobody to tell the rest: that is said, and no page is short.
  await b.kill9();
  await expect(pageOf(a, 'sort(+id)&limit(7)', first.next ?? '')).rejects.toThrow('504');
  await expect(pageOf(a, 'limit(7)&total()', '')).rejects.toThrow('can be reached');
});
