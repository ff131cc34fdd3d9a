// Nodes that join into clusters and leave them, as their operators see it.

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { until } from '../support/until.ts';
import { type ClusterMember, TestCluster } from './cluster.ts';

setDefaultTimeout(60_000);

const refusalOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'was not refused',
    (error: Error) => error.message,
  );
const logOf = ({ node }: ClusterMember): string => node.output.text;

describe('two nodes', () => {
  test.each([0, 2])('with %i serve threads hold the same, also what one had before', async (threads) => {
    await using cluster = new TestCluster({ app: 'cluster', threads });
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

describe('a cluster of three', () => {
  let cluster: TestCluster;
  let a: ClusterMember;
  let b: ClusterMember;
  let c: ClusterMember;

  beforeAll(async () => {
    cluster = await TestCluster.start({ app: 'cluster' }, ['a', 'b', 'c']);
    [a, b, c] = [cluster.member('a'), cluster.member('b'), cluster.member('c')];
  }, 60_000);
  afterAll(() => cluster[Symbol.asyncDispose]());

  test('knows all by joining one', async () => {
    for (const member of cluster.members) {
      const { peers } = await member.status();
      expect(peers.map(({ name }) => name).sort()).toEqual(['a', 'b', 'c'].filter((name) => name !== member.name));
    }
  });

  test('converges on what all write to the same records', async () => {
    await a.write('PUT', '/Note/one', { id: 'one', count: 0 });
    await cluster.settled();
    await Promise.all([
      a.write('PATCH', '/Note/one', { text: 'by a' }),
      b.write('PATCH', '/Note/one', { by: 'b' }),
      c.write('PATCH', '/Note/one', { members: ['c'] }),
      b.write('PUT', '/Note/gone', { id: 'gone' }),
    ]);
    await cluster.settled();
    await c.write('DELETE', '/Note/gone');
    await cluster.settled();
    for (const member of cluster.members) {
      expect(await member.get('/Note/one')).toMatchObject({ text: 'by a', by: 'b', members: ['c'], count: 0 });
      expect(await member.get('/Note/gone')).toBeUndefined();
    }
  });

  test('gives integer ids that no other node gives', async () => {
    const rounds = Array.from({ length: 5 }, (_, index) => index);
    await Promise.all(
      cluster.members.flatMap((member) => rounds.map(() => member.write('POST', '/Ticket/', { by: member.name }))),
    );
    await cluster.settled();
    for (const member of cluster.members) {
      const tickets = (await member.get<{ by: string }[]>('/Ticket/')) ?? [];
      expect(
        Object.fromEntries(
          Map.groupBy(tickets, ({ by }) => by)
            .entries()
            .map(([by, all]) => [by, all.length]),
        ),
      ).toEqual({ a: 5, b: 5, c: 5 });
    }
  });

  test('keeps to itself what is not to be replicated', async () => {
    await a.write('PUT', '/Private/x', { id: 'x', text: 'of a' });
    await a.write('PUT', '/Note/later', { id: 'later' });
    await cluster.settled();
    expect(await b.get('/Note/later')).toBeDefined();
    expect(await b.get('/Private/x')).toBeUndefined();
  });

  test('says how it stands, in Prometheus too', async () => {
    await until('round trips and digests are known', async () => {
      const { peers } = await a.status();
      return peers.every(
        ({ roundTripMs, databases }) => roundTripMs !== null && databases.every(({ equal }) => equal === true),
      );
    });
    const page = await (await fetch(`${a.node.operationsUrl}/metrics`)).text();
    expect(page).toContain('zerohop_peer_connected{peer="b"} 1');
    expect(page).toContain('zerohop_replication_equal{peer="c",database="data"} 1');
    expect(page).toContain('zerohop_replication_behind_transactions{peer="c",database="data"} 0');
  });

  test('a new certificate takes the place of the old one, from the member that has the key', async () => {
    const before = await b.status();
    await b.operation('cluster_rotate');
    expect((await b.status()).validUntil).toBeGreaterThanOrEqual(before.validUntil ?? 0);
    await b.stop();
    await b.start();
    await cluster.meshed();
    await b.write('PUT', '/Note/rotated', { id: 'rotated' });
    await cluster.settled();
    expect(await c.get('/Note/rotated')).toBeDefined();
  });

  test('lets nobody in without a good token', async () => {
    const d = await cluster.add('d');
    const { port } = await a.status();
    const address = `127.0.0.1:${port}`;
    const join = (token: string, where = address) => refusalOf(d.operation('cluster_join', { address: where, token }));
    const { token, validUntil } = await a.operation<{ token: string; validUntil: string }>('cluster_token', {
      expires: '1s',
    });
    expect(await join('nonsense')).toContain('That is no token for joining');
    const other = `zhj_${Buffer.concat([Buffer.alloc(20, 7), Buffer.from(token.slice(4), 'base64url').subarray(20)]).toString('base64url')}`;
    expect(await join(other)).toContain('The token is not known here, or was used');
    const foreign = `zhj_${Buffer.concat([Buffer.from(token.slice(4), 'base64url').subarray(0, 20), Buffer.alloc(32)]).toString('base64url')}`;
    expect(await join(foreign)).toContain('is not of the cluster the token is for');
    const { port: portOfB } = await b.status();
    expect(await join(token, `127.0.0.1:${portOfB}`)).toContain('This node does not admit others');
    await until('the token expires', () => Date.now() > Date.parse(validUntil));
    expect(await join(token)).toContain('The token has expired');
    // It is used up even so.
    expect(await join(token)).toContain('The token is not known here, or was used');
    expect(logOf(a)).toContain('The token has expired');
    expect(await d.status()).toEqual(expect.objectContaining({ enabled: false }));
    await d.stop();
  });

  test('takes back a member that was killed, and shuts out one that was removed', async () => {
    await c.kill9();
    await a.write('PUT', '/Note/while-away', { id: 'while-away' });
    await c.start();
    await cluster.meshed([a, b, c]);
    await cluster.settled([a, b, c]);
    expect(await c.get('/Note/while-away')).toBeDefined();
    await a.operation('cluster_remove', { node: 'c' });
    await until('c is alone', async () => (await c.status()).peers.every(({ connected }) => !connected));
    await until('both refuse it', () => [a, b].some((one) => logOf(one).includes('was removed from the cluster')));
    await c.write('PUT', '/Note/of-c', { id: 'of-c' });
    await a.write('PUT', '/Note/of-a', { id: 'of-a' });
    await cluster.settled([a, b]);
    expect(await b.get('/Note/of-c')).toBeUndefined();
    expect(await b.get('/Note/of-a')).toBeDefined();
    expect(await c.get('/Note/of-a')).toBeUndefined();
    const { token } = await a.operation<{ token: string }>('cluster_token');
    const { port } = await a.status();
    expect(await refusalOf(c.operation('cluster_join', { address: `127.0.0.1:${port}`, token }))).toContain('already');
  });
});
