// Disks that are full, read-only or broken: writes are refused in plain words, reads go on, and nothing acknowledged is lost.

import { Database } from 'bun:sqlite';
import { describe, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { faultsOf, openData } from '../support/data-file.ts';
import { SmallDisk, whyNoDisks } from '../support/small-disk.ts';
import { runNode, startNode, type TestNode } from '../support/start-node.ts';
import { until } from '../support/until.ts';
import { Writers } from '../support/writers.ts';

const reason = whyNoDisks();
const describeWithDisks = reason === undefined ? describe : describe.skip;

describeWithDisks(`a small disk${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  test.each([0, 1])(
    'full: writes are refused, reads go on, and space brings writes back; %i threads',
    async (threads) => {
      using disk = SmallDisk.memory('24m');
      const data = join(disk.path, 'data');
      await using node = await startNode({ app: 'faults', data, threads });
      const kept = new Kept(node);
      await kept.write();
      const giveBack = disk.fill(2 * 1024 * 1024);

      const refused = await kept.writeUntilRefused();
      expect([507, 503]).toContain(refused.status);
      expect(refused.problem).toMatchObject({ code: 'STORAGE_FULL', detail: expect.stringContaining('data.db') });
      // Full is full: the next is refused too, whichever table and verb.
      for (const [method, path] of [
        ['PUT', '/Left/full'],
        ['POST', '/Tally/'],
        ['PATCH', `/Item/${kept.last}`],
      ] as const) {
        const body = JSON.stringify(method === 'PATCH' ? { data: text } : { writer: 1 });
        const { status } = await fetch(`${node.url}${path}`, { method, body, headers: jsonHeaders });
        // A small one may still fit into a page that is there.
        expect([204, 201, 507, 503]).toContain(status);
      }
      await kept.expectReadable();
      const search = await fetch(`${node.url}/Item/?count=0&limit(5)`);
      expect([search.status, await search.json()]).toEqual([200, [expect.objectContaining({ id: 'item-0' })]]);

      giveBack();
      await until('writes go on', () => kept.write());
      await kept.expectReadable();
      expect(await node.stop()).toBe(0);
      using database = openData(data);
      expect(faultsOf(database)).toEqual([]);
      expect(kept.lostIn(database)).toEqual([]);
    },
  );

  test('stopped while full: it ends in order, and has kept what it promised', async () => {
    using disk = SmallDisk.memory('16m');
    const data = join(disk.path, 'data');
    const node = await startNode({ app: 'faults', data, threads: 1 });
    await using _ = node;
    const kept = new Kept(node);
    await kept.write();
    const giveBack = disk.fill(1024 * 1024);
    await kept.writeUntilRefused();
    await node.stop();
    expect(node.output.text).not.toMatch(/panic|Segmentation|Bus error|this is a bug/);
    giveBack();
    await using again = await startNode({ app: 'faults', data, threads: 1 });
    using database = openData(data);
    expect(faultsOf(database)).toEqual([]);
    expect(kept.lostIn(database)).toEqual([]);
    expect(await again.stop()).toBe(0);
  });

  test('a disk that fails and turns read-only: writes are refused, reads go on', async () => {
    using disk = SmallDisk.ext4(32);
    const data = join(disk.path, 'data');
    await using node = await startNode({ app: 'faults', data, threads: 1 });
    const kept = new Kept(node);
    for (let number = 0; number < 20; number++) expect(await kept.write()).toBe(true);
    disk.abort();

    const { status, problem } = await kept.writeUntilRefused();
    expect([507, 503]).toContain(status);
    expect(problem).toMatchObject({ detail: expect.stringContaining('data.db') });
    await kept.expectReadable();
    expect((await fetch(`${node.url}/health`)).status).toBe(200);
    await node.stop();

    disk.unmount();
    disk.mount();
    await using again = await startNode({ app: 'faults', data, threads: 1 });
    using database = openData(data);
    expect(faultsOf(database)).toEqual([]);
    expect(kept.lostIn(database)).toEqual([]);
    expect(await again.stop()).toBe(0);
  });

  test.each([0, 1, 2])(
    'a power cut under writers: what was acknowledged had reached the disk; %i threads',
    async (threads) => {
      using disk = SmallDisk.ext4(64);
      const data = join(disk.path, 'data');
      const settings = { STORAGE_CHECKPOINT_BYTES: String(128 * 1024) };
      for (let round = 0; round < 3; round++) {
        await using node = await startNode({ app: 'faults', data, threads, settings });
        const clients = new Writers(node.port, 100);
        await clients.start();
        await until('they write', () => clients.pairs.size > 300 * (round + 1));
        // Of a real cut no answer is sent after it; here a sync that is under way may be reported as done by a file system that is gone already.
        clients.countNoMore();
        disk.cutPower();
        await node.kill9();
        await clients.stop();
        disk.unmount();
        disk.mount();
        await using again = await startNode({ app: 'faults', data, threads, settings });
        using database = openData(data);
        expect(clients.faultsIn(database)).toEqual([]);
        expect(faultsOf(database)).toEqual([]);
        expect(await again.stop()).toBe(0);
      }
    },
    60_000,
  );

  test.each([
    ['new', false],
    ['used', true],
  ])('started on a read-only disk, %s folder: one line that names it, and exit code 1', async (_, used) => {
    using disk = SmallDisk.memory('16m');
    const data = join(disk.path, 'data');
    if (used) await startAndStop(data);
    disk.setReadOnly();
    expect(await runNode({ app: 'faults', data })).toEqual({
      code: 1,
      text: expect.stringMatching(/^zerohop: \S*\/data\S* can not be written\. .*\n$/),
    });
  });

  test('started on a full disk: one line that says so, and exit code 1', async () => {
    using disk = SmallDisk.memory('1m');
    disk.fill(0);
    const { code, text } = await runNode({ app: 'faults', data: join(disk.path, 'data') });
    expect(text).toMatch(/^zerohop: .*(full|space).*\n$/);
    expect(code).toBe(1);
  });
});

describe('a damaged data folder', () => {
  test.each<[string, Buffer | string]>([
    ['not a database', 'This is a letter to my aunt, and no database. '.repeat(100)],
    ['a header and then noise', Buffer.concat([Buffer.from('SQLite format 3\0'), Buffer.alloc(20_000, 0xa5)])],
  ])('data.db is %s: one line that names it, and exit code 1', async (_, content) => {
    const folder = mkdtempSync(join(tmpdir(), 'zerohop-damaged-'));
    try {
      const data = join(folder, 'data');
      mkdirSync(data);
      writeFileSync(join(data, 'data.db'), content);
      const { code, text } = await runNode({ app: 'faults', data });
      expect(text).toMatch(/^zerohop: \S*\/data\/data\.db is damaged or not a Zerohop data file\. .*\n$/);
      expect(code).toBe(1);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

test('a data file locked by another program: writes are refused, reads go on, and writes come back with the lock gone', async () => {
  await using node = await startNode({ app: 'faults', threads: 1 });
  const kept = new Kept(node);
  await kept.write();
  const other = new Database(join(node.folder, 'data.db'));
  other.run('BEGIN IMMEDIATE');
  const { status, problem } = await kept.writeUntilRefused();
  expect(status).toBe(503);
  expect(problem).toMatchObject({ detail: expect.stringMatching(/Another program has locked .*data\.db/) });
  await kept.expectReadable();
  other.run('ROLLBACK');
  other.close();
  expect(await kept.write()).toBe(true);
  await kept.expectReadable();
  expect(await node.stop()).toBe(0);
});

async function startAndStop(data: string): Promise<void> {
  await using node = await startNode({ app: 'faults', data });
  expect(await node.stop()).toBe(0);
}

const jsonHeaders = { 'content-type': 'application/json' };
const text = 'So much text that a small disk is full before long. '.repeat(60);

/** Records written one after the other, and which of them were acknowledged. */
class Kept {
  readonly #node: TestNode;
  readonly #acknowledged: string[] = [];
  #number = 0;

  constructor(node: TestNode) {
    this.#node = node;
  }

  /** The id of a record that was acknowledged. */
  get last(): string {
    return this.#acknowledged.at(-1) ?? '';
  }

  /** Writes one record; whether it was acknowledged. */
  async write(): Promise<boolean> {
    return (await this.#put()).ok;
  }

  async writeUntilRefused(): Promise<{ readonly status: number; readonly problem: unknown }> {
    const most = 20_000;
    for (let number = 0; number < most; number++) {
      const answer = await this.#put();
      if (!answer.ok) return { status: answer.status, problem: await answer.json() };
      await answer.arrayBuffer();
    }
    throw new Error(`${most} records were written, and the disk is not full.`);
  }

  async expectReadable(): Promise<void> {
    const some = this.#acknowledged.filter((_, index) => index % 50 === 0 || index === this.#acknowledged.length - 1);
    for (const id of some) {
      const answer = await fetch(`${this.#node.url}/Item/${id}`);
      expect([answer.status, await answer.json()]).toEqual([200, expect.objectContaining({ id })]);
    }
  }

  lostIn(database: ReturnType<typeof openData>): string[] {
    const stored = new Set(database.query('SELECT _id FROM "Item" WHERE _body IS NOT NULL').values().flat());
    return this.#acknowledged.filter((id) => !stored.has(id));
  }

  async #put(): Promise<Response> {
    const count = this.#number++;
    const id = `item-${count}`;
    const body = JSON.stringify({ name: 'A record', count, data: text });
    const answer = await fetch(`${this.#node.url}/Item/${id}`, { method: 'PUT', body, headers: jsonHeaders });
    if (answer.ok) this.#acknowledged.push(id);
    return answer;
  }
}
