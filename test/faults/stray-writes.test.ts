// Writes that app code forgets to await: never silently lost, and no reason for a thread to end.

import { expect, test } from 'bun:test';
import { startNode } from '../support/start-node.ts';

test.each([0, 1])(
  'a write after the answer is refused and reported, and the node goes on, with %d threads',
  async (threads) => {
    await using node = await startNode({ app: 'faults', threads });
    expect((await fetch(`${node.url}/Stray/`)).status).toBe(200);
    await node.output.match(
      /Nobody awaited a call of the app that failed: Tally\.put\(.*\) was called after GET \/Stray\/ had ended/,
    );
    expect((await fetch(`${node.url}/Tally/99`)).status).toBe(404);
    expect(node.output.text).not.toContain('died');
    expect(await node.stop()).toBe(0);
  },
);
