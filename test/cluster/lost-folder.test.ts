// A member whose data folder is gone: while it runs, and when it comes back.

import { expect, setDefaultTimeout, test } from 'bun:test';
import { rmSync } from 'node:fs';
import { until } from '../support/until.ts';
import { type ClusterMember, TestCluster } from './cluster.ts';

setDefaultTimeout(60_000);

const put = async (member: ClusterMember, id: string): Promise<readonly [number, string]> => {
  const response = await fetch(`${member.node.url}/Note/${id}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ id }),
  });
  return [response.status, await response.text()];
};
const linesWith = (member: ClusterMember, text: string): number =>
  member.node.output.text.split('\n').filter((line) => line.includes(text)).length;

test.each([
  [0, 'a write'],
  [1, 'a write'],
  [1, 'none'],
])(
  'with %i serve threads, removed while it runs after %s: writes are refused, and it ends when told to',
  async (threads, before) => {
    await using cluster = await TestCluster.start({ app: 'cluster', threads }, ['a', 'b']);
    const [a, b] = [cluster.member('a'), cluster.member('b')];
    if (before === 'a write') await b.write('PUT', '/Note/kept', { id: 'kept' });
    await cluster.settled();
    rmSync(b.node.folder, { recursive: true });
    // Not even the first is acknowledged: what is written to a deleted file is gone with the process.
    for (const id of ['x', 'y', 'z']) {
      const [status, text] = await put(b, id);
      expect([status, text]).toEqual([503, expect.stringContaining('was removed while the node runs')]);
      expect(JSON.parse(text)).toMatchObject({ code: 'READ_ONLY' });
    }
    expect(linesWith(b, 'data.db was removed while the node runs')).toBe(1);
    // The other member goes on, and does not take what was refused.
    expect((await put(a, 'of-a'))[0]).toBe(204);
    expect(await a.get('/Note/x')).toBeUndefined();
    expect(await b.node.stop()).toBe(0);
  },
);

test.each([
  ['the same name', 'b'],
  ['a new one', 'b2'],
])(
  'lost for good: it comes back empty under %s; nothing is lost, nothing comes back, and no number is given twice',
  async (_how, name) => {
    await using cluster = await TestCluster.start({ app: 'cluster' }, ['a', 'b', 'c']);
    const [a, b, c] = [cluster.member('a'), cluster.member('b'), cluster.member('c')];
    for (const id of ['one', 'two', 'gone']) await b.write('PUT', `/Note/${id}`, { id, text: 'of b' });
    await cluster.settled();
    await a.write('DELETE', '/Note/gone');
    await cluster.settled();
    const { node: lost } = await b.status();
    await b.kill9();
    rmSync(`${cluster.folder}/b`, { recursive: true });
    await a.write('PATCH', '/Note/two', { text: 'of a' });

    const empty = name === 'b' ? b : await cluster.add(name);
    if (name === 'b') {
      await b.start();
      // Its place is taken until somebody says that it is lost.
      await expect(cluster.join(b, a)).rejects.toThrow('zerohop cluster remove b');
    }
    await a.operation('cluster_remove', { node: 'b' });
    await cluster.join(empty, a);
    const members = [a, c, empty];
    await cluster.meshed(members);
    await empty.write('PUT', '/Note/three', { id: 'three', text: 'new' });
    await until('all have all', async () => {
      const notes = await Promise.all(members.map((member) => member.get<unknown[]>('/Note/')));
      return notes.every((all) => all?.length === 3);
    });
    await cluster.settled(members);
    for (const member of members) {
      expect(await member.get('/Note/one')).toMatchObject({ text: 'of b' });
      expect(await member.get('/Note/two')).toMatchObject({ text: 'of a' });
      expect(await member.get('/Note/three')).toMatchObject({ text: 'new' });
      expect(await member.get('/Note/gone')).toBeUndefined();
      // Who it was is over: its numbers stay with what it wrote.
      expect((await member.status()).node).not.toBe(lost);
      const { peers } = await member.status();
      expect(peers.filter(({ connected }) => connected).map(({ id }) => id)).not.toContain(lost);
    }
  },
);
