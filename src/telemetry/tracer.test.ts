import { expect, test } from 'bun:test';
import { limits } from '../base/index.ts';
import { openTracing } from './tracing.ts';

const options = { file: '', sample: 1, service: 'test', version: '0', nodeId: 'n', thread: 'main' };
const log = { info() {}, warn() {} };

test('nobody wants spans: no tracer', async () => {
  expect(await openTracing({ ...options, endpoint: '', log })).toBeUndefined();
});

test('spans that can’t be sent in time are dropped beyond a limit; the others come', async () => {
  const gate = Promise.withResolvers<void>();
  let received = 0;
  await using server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    async fetch(request) {
      const text = await request.text();
      await gate.promise;
      received += text.split('"spanId"').length - 1;
      return Response.json({});
    },
  });
  const tracing = await openTracing({ ...options, endpoint: `http://127.0.0.1:${server.port}`, log });
  const count = 2 * limits.waitingSpans;
  for (let at = 0; at < count; at++) tracing?.tracer.begin('one').end();
  gate.resolve();
  await tracing?.stop();
  // Those of the batch that is being sent do not wait any more.
  expect(received).toBeGreaterThanOrEqual(limits.waitingSpans);
  expect(received).toBeLessThanOrEqual(limits.waitingSpans + limits.spanBatch);
});

test('a trace that is not sampled: nothing is recorded, and its headers say so', async () => {
  const told: string[] = [];
  const tracing = await openTracing({
    ...options,
    endpoint: 'http://127.0.0.1:1',
    sample: 0,
    log: { info() {}, warn: (message) => told.push(message) },
  });
  const seen = tracing?.tracer.run('outer', {}, (outer) => {
    return tracing.tracer.run('inner', {}, (inner) => [outer.isRecorded, inner.isRecorded, tracing.tracer.headers()]);
  });
  expect(seen).toEqual([false, false, { traceparent: expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/) }]);
  expect(tracing?.tracer.headers()).toEqual({});
  await tracing?.stop();
  expect(told).toEqual([]);
});

test('what work gives is what run gives: a value, a promise, what it throws', async () => {
  const tracing = await openTracing({ ...options, endpoint: 'http://127.0.0.1:1', sample: 0, log });
  const run = <Result>(work: () => Result) => tracing?.tracer.run('work', {}, work);
  expect(run(() => 1)).toBe(1);
  const promise = Promise.resolve(2);
  expect(run(() => promise)).toBe(promise);
  expect(() =>
    run(() => {
      throw new Error('three');
    }),
  ).toThrow('three');
  await expect(
    run(async () => {
      throw new Error('four');
    }),
  ).rejects.toThrow('four');
  await tracing?.stop();
});
