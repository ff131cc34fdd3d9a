// Operations on backups of the node. Restoring is for a node that is stopped: `zerohop restore`.

import { resolve } from 'node:path';
import { listBackups, makeBackup, placeAt } from '../../backup/index.ts';
import { systemClock, ZerohopError } from '../../base/index.ts';
import { text } from './fields.ts';
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
      name: 'list_backups',
      access: 'super_user',
      run: async ({ body }) => listBackups(placeAt(whereFrom(text(body, 'from')))),
    },
  ];
}

function whereFrom(where: string): string {
  if (where.includes('\0'))
    throw new ZerohopError('INVALID_REQUEST', 'The name of the folder has a character that none can have.');
  return where.startsWith('s3://') ? where : resolve(where);
}
