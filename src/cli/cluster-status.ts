// The table of `zerohop cluster status`. Pure but for `showClusterStatus`.

import type { ClusterStatus, PeerStatus } from '../cluster/index.ts';
import { callOperation, type Target } from './call-operation.ts';

type Status = ClusterStatus | { readonly enabled: false };

const refreshMs = 1_000;

/** Resolves with the exit code: 1 where the node is in no cluster. */
export async function showClusterStatus(target: Target, once: boolean): Promise<number> {
  const ask = async () => (await callOperation('cluster_status', {}, target)) as Status;
  const first = await ask();
  if (target.json) {
    console.log(JSON.stringify(first));
    return first.enabled ? 0 : 1;
  }
  if (once || !process.stdout.isTTY || !first.enabled) {
    console.log(statusTable(first, Date.now()));
    return first.enabled ? 0 : 1;
  }
  const stopped = new Promise<'stop'>((resolve) => process.once('SIGINT', () => resolve('stop')));
  for (let status: Status = first; ; status = await ask()) {
    // Home, each line cleared to its end, and what was below it.
    process.stdout.write(`\x1b[H${statusTable(status, Date.now()).replaceAll('\n', '\x1b[K\n')}\x1b[K\n\x1b[J`);
    const next = new Promise<'next'>((resolve) => setTimeout(resolve, refreshMs, 'next'));
    if ((await Promise.race([stopped, next])) === 'stop') return 0;
  }
}

export function statusTable(status: Status, nowMs: number): string {
  if (!status.enabled)
    return 'This node is in no cluster. Begin one with: zerohop cluster init\nor join one with:                          zerohop cluster join HOST --token TOKEN';
  const head = [
    `Cluster ${status.cluster}, seen from ${status.name} (port ${status.port})${status.encrypted ? '' : ', NOT ENCRYPTED'}`,
    ...(status.validUntil === null
      ? []
      : [`Certificate valid until ${new Date(status.validUntil).toISOString().slice(0, 10)}`]),
  ];
  if (status.excluded !== undefined) return [...head, '', status.excluded].join('\n');
  const { spread } = status;
  if (spread) {
    const tables = Object.entries(spread.tables).map(([table, copies]) => `${table} on ${copies}`);
    const waiting = spread.waitingFor.length === 0 ? '' : `, waits for ${spread.waitingFor.join(', ')}`;
    for (const [shard, names] of Object.entries(spread.shards)) head.push(`Shard ${shard}: ${names.join(', ')}`);
    for (const { table, members } of spread.disagreements)
      head.push(
        `DISAGREEMENT: setResidency or setResidencyById of ${table} is another function on ${members.join(', ')}`,
      );
    head.push(`Spread tables: ${tables.join(', ')}. Records: ${spread.state}${waiting}`);
  }
  if (status.peers.length === 0)
    return [...head, '', 'No other members. To let one in: zerohop cluster token'].join('\n');
  const rows = [
    ['member', 'connected', 'trip', 'database', 'behind', 'missing', 'equal', 'traffic'],
    ...status.peers.flatMap((peer) => rowsOf(peer, nowMs)),
  ];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  // What happened before the connection there is now is over.
  const troubles = status.peers.flatMap(({ name, lastError, connectedSince }) =>
    lastError && lastError.at > (connectedSince ?? 0)
      ? [`${name}: ${lastError.message} (${ago(nowMs - lastError.at)} ago)`]
      : [],
  );
  return [...head, '', ...lines, ...(troubles.length > 0 ? ['', ...troubles] : [])].join('\n');
}

/** Its name and its address in one column, below each other, so that it all fits a terminal. */
function rowsOf(peer: PeerStatus, nowMs: number): string[][] {
  const { name, address, connectedSince, roundTripMs, sentBytes, receivedBytes, databases } = peer;
  const link = [
    connectedSince === null ? 'no' : ago(nowMs - connectedSince),
    roundTripMs === null || connectedSince === null ? '' : `${roundTripMs.toFixed(1)} ms`,
  ];
  const traffic = [`${bytes(receivedBytes)} in`, `${bytes(sentBytes)} out`];
  const figures = databases.map(({ database, behind, behindSeconds, missing, equal, differences }) => [
    database,
    behind === 0 ? '0' : `${behind} (${behindSeconds.toFixed(0)} s)`,
    String(missing),
    equal === null ? '?' : equal ? 'yes' : `NO: ${differences.join(', ')}`,
  ]);
  return Array.from({ length: Math.max(2, figures.length) }, (_, index) => [
    [name, `  ${address}`][index] ?? '',
    ...(index === 0 ? link : ['', '']),
    ...(figures[index] ?? ['', '', '', '']),
    traffic[index] ?? '',
  ]);
}

function ago(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`;
}

function bytes(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, count)) / 3));
  return `${(count / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}
