// Nodes that join into a cluster, as their operators see it.

import { describe, expect, test } from 'bun:test';
import { type ClusterMember, TestCluster } from './cluster.ts';

const options = { app: 'cluster' };

describe('two nodes', () => {
  test('that join hold the same, also what one had before', async () => {
    await using cluster = new TestCluster(options);
    const [a, b] = [await cluster.add('a'), await cluster.add('b')];
    await a.write('PUT', '/Note/before', { id: 'before', text: 'of a alone' });
    await a.operation('cluster_init');
    await cluster.join(b, a);
    await cluster.meshed();
    await b.write('PUT', '/Note/after', { id: 'after', text: 'of b' });
    await cluster.settled();
    expect(await b.get('/Note/before')).toMatchObject({ text: 'of a alone' });
    expect(await a.get('/Note/after')).toMatchObject({ text: 'of b' });
  });
});
