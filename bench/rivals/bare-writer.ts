// The least a server can do for a durable insert: one HTTP thread, one writer thread, the runtime's own table and log, group commit with an
// asynchronous sync. No checks of the record, no versions to compare, no preconditions, no digest, no routes.
//
//   bun bare-writer.ts PORT FOLDER SCHEMA

import { Worker } from 'node:worker_threads';

const [port, folder, schema] = process.argv.slice(2);
if (port === undefined || folder === undefined || schema === undefined)
  throw new Error('Usage: bare-writer.ts PORT FOLDER SCHEMA');

const writer = new Worker(new URL('./bare-writer-thread.ts', import.meta.url), { workerData: { folder, schema } });
let batch: string[] = [];
let answers: ((response: Response) => void)[] = [];
/** Batches on their way, oldest first: the writer answers in order. */
const sent: ((response: Response) => void)[][] = [];

writer.on('message', () => {
  for (const answer of sent.shift() ?? []) answer(new Response(null, { status: 201 }));
});

Bun.serve({
  port: Number(port),
  hostname: '127.0.0.1',
  async fetch(request) {
    if (request.method !== 'POST') return new Response('ok');
    const body = await request.text();
    const { id } = JSON.parse(body) as { id: string };
    return new Promise<Response>((resolve) => {
      batch.push(id, body);
      answers.push(resolve);
      if (answers.length === 1) setImmediate(send);
    });
  },
});

function send(): void {
  writer.postMessage(batch);
  sent.push(answers);
  batch = [];
  answers = [];
}
