// A file that gets another node: restored from a backup under a new id. What the node before wrote stays its own, so that nobody takes new
// changes for old ones.

import type { Connection } from './connection.ts';
import { quoted } from './names.ts';

/** Origin 1 is the node that has the file: gives the number to `nodeId`, and what has it now another. */
export function changeNode(connection: Connection, nodeId: string): void {
  const before = connection.first('SELECT id FROM _origins WHERE number = 1')?.[0];
  if (before === nodeId) return;
  const known = connection.first('SELECT number FROM _origins WHERE id = ?', [nodeId])?.[0];
  const other = Number(known ?? Number(connection.first('SELECT max(number) FROM _origins')?.[0]) + 1);
  connection.exec('BEGIN IMMEDIATE');
  try {
    const columns = [
      ['_origins', 'number'],
      ['_peers', 'origin'],
      ['_log', 'origin'],
      ...connection.all('SELECT physical FROM _catalog').map(([table]) => [String(table), '_origin']),
    ];
    for (const [table = '', column = ''] of columns)
      for (const [from, to] of [
        [1, -1],
        [other, 1],
        [-1, other],
      ] as const)
        connection.run(`UPDATE ${quoted(table)} SET ${column} = ? WHERE ${column} = ?`, [to, from]);
    if (known === undefined) connection.run('INSERT INTO _origins (number, id) VALUES (1, ?)', [nodeId]);
    connection.exec('COMMIT');
  } catch (error) {
    connection.rollBack();
    throw error;
  }
}
