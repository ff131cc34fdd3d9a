// The page cache of a node as a whole, from what each of its threads says.

import type { PagesStatus } from './control.ts';
import type { ReadinessReport, Share } from './readiness.ts';

/** Pages in a merged report that would not be served. */
const missingMost = 20;

export function mergeStatus([first, ...others]: readonly [PagesStatus, ...PagesStatus[]]): PagesStatus {
  const all = [first, ...others];
  const sum = (read: (status: PagesStatus) => number) => all.reduce((total, status) => total + read(status), 0);
  return {
    ...first,
    memory: { pages: sum(({ memory }) => memory.pages), bytes: sum(({ memory }) => memory.bytes) },
    readiness: mergeReadiness(all.map(({ readiness }) => readiness)),
  };
}

export function mergeReadiness(reports: readonly ReadinessReport[]): ReadinessReport {
  const missing = new Map<string, number>();
  for (const report of reports)
    for (const { key, requests } of report.missing) missing.set(key, requests + (missing.get(key) ?? 0));
  return {
    hour: mergeShares(reports.map(({ hour }) => hour)),
    day: mergeShares(reports.map(({ day }) => day)),
    missing: [...missing]
      .map(([key, requests]) => ({ key, requests }))
      .toSorted((a, b) => b.requests - a.requests)
      .slice(0, missingMost),
  };
}

function mergeShares(shares: readonly Share[]): Share {
  const requests = shares.reduce((sum, share) => sum + share.requests, 0);
  const of = (read: (share: Share) => number) =>
    requests === 0 ? 0 : shares.reduce((sum, share) => sum + share.requests * read(share), 0) / requests;
  return { requests, fresh: of(({ fresh }) => fresh), stale: of(({ stale }) => stale) };
}
