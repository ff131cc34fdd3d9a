// The writer of bare-writer.ts. A message is a batch: id, body, id, body, … It is answered, with anything, when it is on disk.

import { fdatasync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { parseSdl } from '../../src/schema/index.ts';
import { Connection, namesOf, prepareFile, tableObjects, tableSql } from '../../src/storage/index.ts';

const { folder, schema } = workerData as { folder: string; schema: string };
const path = join(folder, 'bare.db');
mkdirSync(folder, { recursive: true });
const connection = new Connection(path, { readonly: false });
prepareFile(connection, 'bare');
const [definition] = parseSdl(readFileSync(schema, 'utf8'), schema).tables;
if (!definition) throw new Error(`${schema} has no table`);
const names = namesOf(definition, definition.name);
connection.run(tableSql(definition, names));
for (const object of tableObjects(definition, names)) connection.run(object.sql);
connection.exec('PRAGMA wal_autocheckpoint = 4000');
const wal = openSync(`${path}-wal`, 'r+');

const begin = connection.prepare('BEGIN IMMEDIATE');
const commit = connection.prepare('COMMIT');
const insertRow = connection.prepare(
  `INSERT INTO "${names.table}" (_id, _version, _origin, _seq, _body) VALUES (?, ?, 1, ?, ?)`,
);
const insertLog = connection.prepare(
  'INSERT INTO _log (lsn, origin, seq, version, tbl, row, op) VALUES (?, 1, ?, ?, 1, ?, 1)',
);

let sequence = 0;
let version = Date.now() * 1000;
let waiting: string[][] = [];
let committed = 0;
let syncing = false;

parentPort?.on('message', (batch: string[]) => {
  waiting.push(batch);
  if (waiting.length === 1) setImmediate(commitWaiting);
});

function commitWaiting(): void {
  const batches = waiting;
  waiting = [];
  begin.run();
  for (const batch of batches) {
    for (let at = 0; at < batch.length; at += 2) {
      sequence++;
      version = Math.max(version + 1, Date.now() * 1000);
      const { lastInsertRowid } = insertRow.run(batch[at] ?? '', version, sequence, batch[at + 1] ?? '');
      insertLog.run(sequence, sequence, version, lastInsertRowid);
    }
  }
  commit.run();
  committed += batches.length;
  if (!syncing) sync();
}

/** One sync at a time, for all that was committed before it began. */
function sync(): void {
  const covered = committed;
  committed = 0;
  syncing = true;
  fdatasync(wal, (error) => {
    if (error) throw error;
    syncing = false;
    for (let answered = 0; answered < covered; answered++) parentPort?.postMessage(0);
    if (committed > 0) sync();
  });
}
