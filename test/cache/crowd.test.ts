import { expect, test } from 'bun:test';
import { startTestNode } from '../../src/testing.ts';
import type { TableClass } from '../../src/zerohop.ts';

test('no more calls at once than allowed, no more waiting than allowed, and those refused do no harm', async () => {
  const gate = Promise.withResolvers<void>();
  let running = 0;
  let most = 0;
  const source = {
    async get(id: string) {
      most = Math.max(most, ++running);
      await gate.promise;
      running--;
      return { id };
    },
  };
  await using node = await startTestNode({
    schema: 'type Product @table @export { id: ID @primaryKey }',
    resources: ({ tables }) => {
      (tables as unknown as Record<string, TableClass>).Product?.sourcedFrom(source, { concurrency: 3, failures: 1 });
      return {};
    },
  });
  const answers = Array.from({ length: 1_010 }, (_, id) => node.fetch(`/Product/${id}`));
  const refused = await Promise.race(answers.slice(-1));
  expect(refused?.status).toBe(503);
  gate.resolve();
  const statuses = (await Promise.all(answers)).map(({ status }) => status);
  expect([most, statuses.filter((status) => status === 200).length]).toEqual([3, 1_003]);
});
