// `zerohop cluster verify`: asks for one stretch of the comparison after the other, and prints what differs as it is found.

import type { Difference, Standing, VerifyCursor, VerifyReport } from '../cluster/index.ts';
import { callOperation, type Target } from './call-operation.ts';

type Answer = VerifyReport & { readonly unreachable: readonly string[] };

/** Resolves with the exit code: 1 where something differs, or could not be compared. */
export async function verifyCluster(target: Target, repair: boolean): Promise<number> {
  const all: Difference[] = [];
  let [compared, unsettled] = [0, 0];
  const unreachable = new Set<string>();
  for (let from: VerifyCursor | null = null; ; ) {
    const answer = (await callOperation('cluster_verify', { repair, from }, target)) as Answer;
    all.push(...answer.differences);
    compared += answer.compared;
    unsettled += answer.unsettled;
    for (const name of answer.unreachable) unreachable.add(name);
    if (!target.json) for (const difference of answer.differences) console.log(differenceText(difference));
    from = answer.next;
    if (from === null) break;
  }
  const missing = [...unreachable];
  if (target.json) console.log(JSON.stringify({ compared, unsettled, unreachable: missing, differences: all }));
  else console.log(summaryText({ compared, unsettled, differences: all, unreachable: missing }));
  return all.some(({ isRepaired }) => !isRepaired) || unsettled > 0 || missing.length > 0 ? 1 : 0;
}

export function differenceText({ database, table, peer, id, range, here, there, isRepaired }: Difference): string {
  const place = `${database}.${table} ${JSON.stringify(id)}`;
  const bounds = `${range.after === null ? 'first' : JSON.stringify(range.after)} – ${range.upTo === null ? 'last' : JSON.stringify(range.upTo)}`;
  const state = `here ${standingText(here)}, at ${peer} ${standingText(there)}`;
  const isSame = typeof here === 'object' && typeof there === 'object' && here.version === there.version;
  return `${place} (${bounds}): ${state}${isSame ? ', the same version with other contents' : ''}${isRepaired ? '; repaired' : ''}`;
}

export function summaryText({ compared, unsettled, differences, unreachable }: Omit<Answer, 'next'>): string {
  const repaired = differences.filter(({ isRepaired }) => isRepaired).length;
  const left = differences.length - repaired;
  return [
    `${compared} records compared: ${differences.length === 0 ? 'no differences' : `${differences.length} differ${repaired > 0 ? `, ${repaired} of them are repaired` : ''}`}.`,
    ...(unsettled > 0
      ? [`${unsettled} changed all the time they were looked at: verify again when there is less to do.`]
      : []),
    ...(unreachable.length > 0 ? [`Not compared, as there is no connection: ${unreachable.join(', ')}.`] : []),
    ...(left > 0 ? ['To heal: zerohop cluster verify --repair'] : []),
  ].join('\n');
}

function standingText(standing: Standing): string {
  return typeof standing === 'string' ? standing : `${standing.version} of ${standing.origin}`;
}
