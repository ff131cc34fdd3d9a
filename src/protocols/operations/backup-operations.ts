// Operations on backups of the node. Restoring is for a node that is stopped: `zerohop restore`.

import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { listBackups, makeBackup, placeAt, SnapshotPages } from '../../backup/index.ts';
import { systemClock, ZerohopError } from '../../base/index.ts';
import { optionalFlag, text } from './fields.ts';
import { databaseNamed } from './table-named.ts';
import type { Operation } from './types.ts';

/** @param folder the data folder */
export function backupOperations(folder: string): Operation[] {
  let isRunning = false;
  return [
    {
      name: 'create_backup',
      access: 'super_user',
      async run({ body, signal }) {
        const place = placeAt(whereFrom(text(body, 'to')));
        if (isRunning) throw new ZerohopError('CONFLICT', 'A backup is being made. Wait for its end.');
        isRunning = true;
        try {
          return { message: 'backup complete', ...(await makeBackup({ folder, place, clock: systemClock, signal })) };
        } finally {
          isRunning = false;
        }
      },
    },
    {
      name: 'get_backup',
      access: 'super_user',
      async run({ body }) {
        const database = databaseNamed(body);
        const path = join(folder, `${database}.db`);
        if (database.includes('/') || !existsSync(path))
          throw new ZerohopError('NOT_FOUND', `There is no database ${database}.`);
        return databaseFile(database, path, optionalFlag(body, 'gzip') ?? true);
      },
    },
    {
      name: 'list_backups',
      access: 'super_user',
      run: async ({ body }) => listBackups(placeAt(whereFrom(text(body, 'from')))),
    },
  ];
}

/** Pages that are read at once. */
const chunkPages = 64;

/** The file of a database as it is at this moment. */
function databaseFile(database: string, path: string, isZipped: boolean): Response {
  const pages = new SnapshotPages(path);
  let next = 1;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      try {
        controller.enqueue(pages.read(next, chunkPages));
        next += chunkPages;
        if (next <= pages.pageCount) return;
        controller.close();
      } catch (error) {
        controller.error(error);
      }
      pages.close();
    },
    cancel: () => pages.close(),
  });
  const name = encodeURIComponent(`${database}.db${isZipped ? '.gz' : ''}`);
  return new Response(isZipped ? body.pipeThrough(new CompressionStream('gzip')) : body, {
    headers: {
      'content-type': isZipped ? 'application/gzip' : 'application/vnd.sqlite3',
      'content-disposition': `attachment; filename*=UTF-8''${name}`,
    },
  });
}

function whereFrom(where: string): string {
  if (where.includes('\0'))
    throw new ZerohopError('INVALID_REQUEST', 'The name of the folder has a character that none can have.');
  return where.startsWith('s3://') ? where : resolve(where);
}
