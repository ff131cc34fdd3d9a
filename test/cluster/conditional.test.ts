// Conditional requests on records that merging has changed.

import { expect, setDefaultTimeout, test } from 'bun:test';
import { type ClusterMember, TestCluster } from './cluster.ts';

setDefaultTimeout(60_000);

/** Ways to ask for a record, each with a tag of its own. */
const ways: readonly Readonly<Record<string, string>>[] = [
  { accept: 'application/json', 'accept-encoding': 'identity' },
  { accept: 'application/json', 'accept-encoding': 'gzip' },
  { accept: 'application/cbor', 'accept-encoding': 'identity' },
  { accept: 'application/cbor', 'accept-encoding': 'br' },
  { accept: 'application/x-msgpack', 'accept-encoding': 'identity' },
];

interface Answer {
  readonly status: number;
  readonly tag: string;
  readonly body: string;
}

async function ask(member: ClusterMember, path: string, headers: Readonly<Record<string, string>>): Promise<Answer> {
  const response = await fetch(member.node.url + path, { headers });
  const body = Buffer.from(await response.arrayBuffer()).toString('hex');
  return { status: response.status, tag: response.headers.get('etag') ?? '', body };
}

function askEachWay(member: ClusterMember, path: string, tags?: readonly string[]): Promise<Answer[]> {
  return Promise.all(
    ways.map((way, at) => ask(member, path, { ...way, ...(tags && { 'if-none-match': tags[at] ?? '' }) })),
  );
}

const tagsOf = (answers: readonly Answer[]) => answers.map(({ tag }) => tag);

async function patchIf(member: ClusterMember, path: string, tag: string): Promise<number> {
  const response = await fetch(member.node.url + path, {
    method: 'PATCH',
    headers: { 'content-type': 'application/json', 'if-match': tag },
    body: '{"count":1}',
  });
  await response.arrayBuffer();
  return response.status;
}

/** What one member writes first, while it is cut off from the other. */
const earlier = {
  patch: (member: ClusterMember) => member.write('PATCH', '/Note/x', { text: 'of a' }),
  addition: (member: ClusterMember) => member.write('POST', '/Count/', { id: 'x' }),
};

test.each(['patch', 'addition'] as const)(
  'an earlier %s that comes in late changes the entity tag, on all nodes alike, and who saw the later write alone is refused',
  async (what) => {
    await using cluster = await TestCluster.start({ app: 'cluster', roundTripMs: () => 0 }, ['a', 'b']);
    const [a, b] = [cluster.member('a'), cluster.member('b')];
    await a.write('PUT', '/Note/x', { id: 'x', count: 0, members: 'long enough to be compressed '.repeat(200) });
    await cluster.settled();
    expect(await askEachWay(a, '/Note/x')).toEqual(await askEachWay(b, '/Note/x'));
    cluster.partition('b');
    await earlier[what](a);
    await b.write('PATCH', '/Note/x', { by: 'b' });
    const before = await askEachWay(b, '/Note/x');
    const beforeA = await askEachWay(a, '/Note/x');
    expect(new Set(tagsOf([...before, ...beforeA])).size).toBe(2 * ways.length);
    cluster.partition();
    await cluster.meshed();
    await cluster.settled();
    const merged = await askEachWay(b, '/Note/x');
    expect(await b.get('/Note/x')).toMatchObject({ by: 'b', ...(what === 'patch' ? { text: 'of a' } : { count: 1 }) });
    expect(await askEachWay(a, '/Note/x')).toEqual(merged);
    // Its latest write is the one of b as before, and yet no answer of before is as good as this one.
    expect(new Set(tagsOf([...before, ...beforeA, ...merged])).size).toBe(3 * ways.length);
    for (const member of [a, b]) {
      expect(await askEachWay(member, '/Note/x', tagsOf(before))).toEqual(merged);
      const statuses = (await askEachWay(member, '/Note/x', tagsOf(merged))).map(({ status }) => status);
      expect(statuses).toEqual(ways.map(() => 304));
      for (const tag of tagsOf([...before, ...beforeA])) expect(await patchIf(member, '/Note/x', tag)).toBe(412);
    }
    expect(await patchIf(a, '/Note/x', merged[0]?.tag ?? '')).toBe(204);
    await cluster.settled();
    expect(await patchIf(b, '/Note/x', merged[0]?.tag ?? '')).toBe(412);
  },
);
