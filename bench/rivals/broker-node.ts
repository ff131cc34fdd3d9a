// A node that replicates through a broker: the runtime's own listener, app, store and frames; between nodes NATS JetStream, one stream for the
// database, in which each node has a subject.
//
//   bun broker-node.ts PORT APP DATA NAME NATS batches|grouped|transactions
//
// batches: a message holds all transactions that are on disk and not sent, up to 256 KiB; each is committed by itself, then acknowledged.
// grouped: such messages, and those that wait at the same time are committed together, with what is committed here, as nodes that replicate
// directly do. transactions: a message for each transaction.

import { mkdirSync } from 'node:fs';
import { type ConsumerMessages, type JsMsg, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { limits, systemClock } from '../../src/base/index.ts';
import { loadConfig } from '../../src/config/index.ts';
import { decodeFrame, encodeFrame, replicationLimits } from '../../src/replication/index.ts';
import { serve } from '../../src/runtime/serve.ts';
import { securityTables } from '../../src/security/index.ts';
import { type RemoteBatch, type RemoteOutcome, type ReplicationDoor, StoreEngine } from '../../src/store/index.ts';
import { LiveDatabases } from '../../src/tables/index.ts';
import { createLogger, Metrics } from '../../src/telemetry/index.ts';

const [port, app, data, name = '', natsUrl, mode] = process.argv.slice(2);
if (port === undefined || app === undefined || data === undefined || natsUrl === undefined)
  throw new Error('Usage: broker-node.ts PORT APP DATA NAME NATS batches|grouped|transactions');

const database = 'data';
/** Messages sent to the broker that it has not stored yet. */
const inFlight = mode === 'transactions' ? 1024 : 16;

mkdirSync(data, { recursive: true });
const config = loadConfig({ flags: {}, env: process.env, folder: process.cwd() });
const log = await createLogger(config.log);
const commits = new Int32Array(16);
const fatal = (error: Error): void => {
  console.error(error);
  process.exit(1);
};
const metrics = new Metrics('main');
const engine = new StoreEngine({
  folder: data,
  nodeId: name,
  clock: systemClock,
  clockDriftMs: config.limits.clockDriftMs,
  writeQueue: config.limits.writeQueue,
  logRetentionMs: config.storage.logRetentionMs,
  checkpointBytes: config.storage.checkpointBytes,
  commits,
  fatal,
  trouble: (what, error) => log.error(`Trouble with ${what}`, { error }),
  meters: metrics.store,
});
engine.applySchema([...securityTables]);
const databases = new LiveDatabases({
  folder: data,
  clock: systemClock,
  client: engine,
  applySchema: async (tables) => engine.applySchema(tables),
  commits,
  snapshotMs: config.limits.snapshotMs,
  scanRows: config.limits.scanRows,
  meters: metrics.tables,
});
const serving = await serve({
  config,
  app,
  dev: false,
  whole: true,
  primary: true,
  databases,
  metrics,
  log,
  httpPort: Number(port),
  attemptsMemory: new SharedArrayBuffer(limits.sharedAttemptsBytes),
});

const connection = await connect({ servers: natsUrl });
const manager = await jetstreamManager(connection);
const stream = jetstream(connection);
const subject = `${database}.${name}`;
await manager.streams
  .add({ name: database, subjects: [`${database}.*`], storage: 'file' })
  .catch(() => manager.streams.info(database));

const door = engine.replicate(database, {
  committed: () => void publish(),
  members: () => [],
  memberNames: () => [],
  whenConfirmed: (_, done) => done({ isEnough: false, reached: [] }),
});
if (!door) throw new Error(`The app has no database ${database}.`);
const { store } = door;
await manager.consumers.add(database, {
  durable_name: name,
  ack_policy: 'all',
  deliver_policy: 'all',
  max_ack_pending: 4096,
});
const messages = await (await stream.consumers.get(database, name)).consume({ max_messages: 512 });

let published = 0;
let after = 0;
let isPublishing = false;
const waiting = new Set<Promise<unknown>>();

/** Sends this node's own changes once they are on disk, in order. */
async function publish(): Promise<void> {
  if (isPublishing) return;
  isPublishing = true;
  for (;;) {
    const others = new Set([...store.vector().keys()].filter((origin) => origin !== name));
    const answer = store.readSince({
      vector: new Map([[name, published]]),
      except: others,
      after,
      limitBytes: replicationLimits.batchBytes,
    });
    if (answer.kind !== 'batch') throw new Error('The log is too short.');
    after = answer.after;
    const upTo = answer.batch.upTo.get(name);
    if (upTo === undefined) {
      // What was looked at may have been all of other nodes.
      if (answer.atEnd) break;
      continue;
    }
    published = upTo;
    await durable();
    for (const batch of messagesOf(answer.batch)) {
      const sent = stream.publish(subject, encodeFrame(0, { type: 'data', stream: 1, batch }));
      const one = sent.catch(fatal).finally(() => waiting.delete(one));
      waiting.add(one);
      if (waiting.size >= inFlight) await Promise.race(waiting);
    }
  }
  isPublishing = false;
}

/** A message for each transaction, or one for all that is there. */
function* messagesOf(batch: RemoteBatch): Generator<RemoteBatch> {
  if (mode !== 'transactions') return yield batch;
  let before = batch.from.get(name) ?? 0;
  for (const transaction of batch.transactions) {
    const from = new Map([[name, before]]);
    before = transaction.seq;
    const rows = transaction.rows.flatMap((position) => batch.rows[position] ?? []);
    const transactions = [{ ...transaction, rows: rows.map((_, at) => at) }];
    yield { from, upTo: new Map([[name, before]]), rows, transactions };
  }
}

/** Merges what others sent; acknowledged once it is on disk. */
async function receive(messages: ConsumerMessages, { merge, whenDurable }: ReplicationDoor): Promise<void> {
  let merging = 0;
  const merged = (outcome: RemoteOutcome, message: JsMsg) => {
    merging--;
    if (!outcome.ok) return fatal(new Error(JSON.stringify(outcome.refusal)));
    whenDurable(() => message.ack());
  };
  for await (const message of messages) {
    if (message.subject === subject) {
      // An acknowledgement is for all messages before it: what is being merged has one to come.
      if (merging === 0) whenDurable(() => message.ack());
      continue;
    }
    const decoded = decodeFrame(message.data.subarray(4));
    if (!decoded.ok || decoded.frame.message.type !== 'data') throw new Error('That is no batch.');
    const { batch } = decoded.frame.message;
    merging++;
    if (mode === 'grouped') merge({ kind: 'batch', batch }, (outcome) => merged(outcome, message));
    else {
      merged(store.applyRemote(batch), message);
      // Readers are told.
      Atomics.add(commits, 0, 1);
    }
  }
}

function durable(): Promise<void> {
  return new Promise((resolve) => door?.whenDurable(resolve));
}

// What was written before the broker was there.
void publish();
void receive(messages, door);

process.once('SIGTERM', () => {
  void (async () => {
    await serving.stop();
    await connection.close();
    databases.close();
    await engine.close();
    process.exit(0);
  })();
});
