// Power cuts: a node that is killed while hundreds write has kept what it promised, whole.

import { afterEach, beforeEach, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { faultsOf, openData } from '../support/data-file.ts';
import { startNode } from '../support/start-node.ts';
import { until } from '../support/until.ts';
import { Writers } from '../support/writers.ts';

const rounds = 20;
const writers = 500;
/** A kill falls between the first acknowledgement and this long after it. */
const longestRoundMs = 600;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'zerohop-kill-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test(`${rounds} times killed under ${writers} writers: nothing acknowledged is lost, nothing is there by half`, async () => {
  const data = join(folder, 'data');
  // Small, so that kills fall into checkpoints as well.
  const settings = { STORAGE_CHECKPOINT_BYTES: String(256 * 1024) };
  for (let round = 0; round < rounds; round++) {
    await using node = await startNode({ app: 'faults', data, threads: 1 + (round % 2), settings });
    const clients = new Writers(node.port, writers);
    await clients.start();
    await until('they are answered', () => clients.acknowledgements > 0);
    await Bun.sleep(Math.random() * longestRoundMs);
    await node.kill9();
    await clients.stop();

    await using again = await startNode({ app: 'faults', data, threads: 1, settings });
    using database = openData(data);
    expect(clients.faultsIn(database)).toEqual([]);
    expect(faultsOf(database)).toEqual([]);
    for (const id of [...clients.pairs].slice(-5)) {
      const answers = await Promise.all(['Left', 'Right'].map((table) => fetch(`${again.url}/${table}/${id}`)));
      expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    }
    expect(await again.stop()).toBe(0);
  }
}, 180_000);
