// Writes that are answered when other nodes have them on disk.

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { type ClusterMember, TestCluster } from './cluster.ts';

setDefaultTimeout(60_000);

interface Problem {
  readonly code: string;
  readonly written?: boolean;
  readonly reached?: readonly string[];
}

async function put(member: ClusterMember, id: string, to: string): Promise<{ status: number; problem?: Problem }> {
  const response = await fetch(`${member.node.url}/Note/${id}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json', 'x-replicate-to': to },
    body: JSON.stringify({ id, text: to }),
  });
  const { status } = response;
  if (response.ok) return { status };
  return { status, problem: (await response.json()) as Problem };
}

describe('X-Replicate-To', () => {
  let cluster: TestCluster;
  let a: ClusterMember;
  let b: ClusterMember;
  let c: ClusterMember;

  beforeAll(async () => {
    cluster = await TestCluster.start({ app: 'cluster', threads: 1 }, ['a', 'b', 'c']);
    [a, b, c] = [cluster.member('a'), cluster.member('b'), cluster.member('c')];
  }, 60_000);
  afterAll(() => cluster[Symbol.asyncDispose]());

  test.each(['2;confirm=2', 'b,c;confirm=2', ' b , c ; confirm = 2 '])(
    '%p: both have it when it is answered',
    async (to) => {
      for (let at = 0; at < 10; at++) {
        const id = `both-${at}-${Bun.hash(to)}`;
        expect(await put(a, id, to)).toEqual({ status: 204 });
        for (const other of [b, c]) expect(await other.get(`/Note/${id}`)).toMatchObject({ text: to });
      }
    },
  );

  test('a new record too', async () => {
    const response = await fetch(`${a.node.url}/Note/`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-replicate-to': '2;confirm=2' },
      body: JSON.stringify({ text: 'new' }),
    });
    expect(response.status).toBe(201);
    const id = (await response.json()) as string;
    for (const other of [b, c]) expect(await other.get(`/Note/${id}`)).toMatchObject({ text: 'new' });
  });

  test('without confirm nobody is waited for', async () => {
    expect(await put(a, 'unconfirmed', '2')).toEqual({ status: 204 });
  });

  test.each([
    ['b;confirm=2', 400, 'INVALID_HEADER'],
    ['1;confirm=x', 400, 'INVALID_HEADER'],
    [';confirm=1', 400, 'INVALID_HEADER'],
    ['3;confirm=3', 504, 'NOT_CONFIRMED'],
    ['b,nobody;confirm=2', 504, 'NOT_CONFIRMED'],
  ])('%p is refused: nothing is written', async (to, status, code) => {
    const id = `refused-${Bun.hash(to)}`;
    const answer = await put(a, id, to);
    expect(answer.status).toBe(status);
    expect(answer.problem?.code).toBe(code);
    expect(await a.get(`/Note/${id}`)).toBeUndefined();
  });

  test('says who has it when one is away, and is not lost', async () => {
    await c.kill9();
    expect(await put(a, 'one', '2;confirm=1')).toEqual({ status: 204 });
    expect(await b.get('/Note/one')).toBeDefined();
    const { status, problem } = await put(a, 'two', 'b,c;confirm=2');
    expect(status).toBe(504);
    expect(problem).toMatchObject({ code: 'NOT_CONFIRMED', written: true, reached: ['b'] });
    await c.start();
    expect(await put(a, 'three', 'c;confirm=1')).toEqual({ status: 204 });
    expect(await c.get('/Note/two')).toBeDefined();
  });
});
